package command

import (
	"runtime"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/graftcache"
	"github.com/wheelmend/wheelmend/wheel"
)

// CacheDir returns the folder of compressed libraries, "" if the environment names none.
func CacheDir(getenv func(string) string) string { return graftcache.Dir(getenv, runtime.GOOS) }

// cache returns the cache for compressed libraries, nil where there is none to use. Only who
// has named the folder is told that it cannot be used.
func (f *RepairFlags) cache(c *console.Console) wheel.Cache {
	dir := CacheDir(c.Getenv)
	if f.NoCache || f.DryRun || dir == "" {
		return nil
	}
	cache, err := graftcache.Open(dir, graftcache.DefaultLimit)
	if err != nil {
		if c.Getenv(graftcache.DirVariable) != "" {
			c.Log.Warnf("the cache is not used: %v", err)
		}
		return nil
	}
	return keeper{cache}
}

// A keeper is a cache as a writer of wheels wants it: without an entry, it has no value.
type keeper struct{ cache *graftcache.Cache }

// Lookup implements [wheel.Cache].
func (k keeper) Lookup(key wheel.CacheKey, parts int) wheel.CacheEntry {
	if e := k.cache.Lookup(key, parts); e != nil {
		return e
	}
	return nil
}

// Store implements [wheel.Cache].
func (k keeper) Store(key wheel.CacheKey, parts int) wheel.CacheSink {
	if s := k.cache.Store(key, parts); s != nil {
		return s
	}
	return nil
}
