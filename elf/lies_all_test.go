//go:build integration

package elf

// lieShare is how many lies one is told of: all of them.
const lieShare = 1
