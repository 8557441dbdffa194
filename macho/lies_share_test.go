//go:build !integration

package macho

// lieShare is how many lies one is told of. All of them are in make integration.
const lieShare = 61
