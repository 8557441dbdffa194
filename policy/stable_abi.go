package policy

import (
	_ "embed"
	"sync"
)

//go:embed data/stable-abi.txt
var stableABIText string

// StableSince returns the version of CPython that was the first to have a function or
// data in its stable ABI (PEP 384, PEP 652), and whether it has it there at all. The list
// is CPython's own manifest.
func StableSince(symbol string) (since Version, stable bool) {
	since, stable = stableABI()[symbol]
	return since, stable
}

// stableABI reads the embedded list when it is first asked for.
var stableABI = sync.OnceValue(func() map[string]Version {
	symbols, err := parseSymbols(stableABIText)
	if err != nil {
		panic("policy: embedded list of the stable ABI: " + err.Error())
	}
	return symbols["cpython"]
})
