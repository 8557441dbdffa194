//go:build !integration

package pe

// lieShare is how many lies one is told of. All of them are in make integration.
const lieShare = 17
