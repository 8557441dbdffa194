//go:build integration

package pe

// lieShare is how many lies one is told of: all of them.
const lieShare = 1
