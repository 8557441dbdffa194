package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/graftcache"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

func (a *app) cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show or empty the cache of bundled libraries",
		Long: `repair keeps the libraries that it bundles in compressed form, so that the next call
is faster. The result is the same with and without the cache. It holds 1 GiB at most;
what was not used for the longest time goes first.

The cache is in $WHEELMEND_CACHE_DIR, else in the cache folder of the user. It is not
used if other users can write to the folder, or with repair --no-cache.`,
		Example: `  wheelmend cache dir
  wheelmend cache clear`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return console.Usagef("no command given; write wheelmend cache dir, size or clear")
		},
	}
	cmd.AddCommand(
		a.cacheAction("dir", "Print the folder of the cache", func(dir string) error {
			_, err := fmt.Fprintln(a.Stdout, dir)
			return err
		}),
		a.cacheAction("size", "Print how many libraries the cache has, and their size", func(dir string) error {
			entries, size, err := graftcache.Size(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Stdout, "%s, %s\n", phrase.Count(entries, "library"), phrase.Count(int(size), "byte"))
			return err
		}),
		a.cacheAction("clear", "Remove all libraries from the cache", func(dir string) error {
			entries, err := graftcache.Clear(dir)
			if err != nil {
				return err
			}
			return a.Tell("removed %s\n", phrase.Count(entries, "library"))
		}),
	)
	return cmd
}

// cacheAction returns a command that does something with the folder of the cache.
func (a *app) cacheAction(name, short string, do func(dir string) error) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir := command.CacheDir(a.Getenv)
			if dir == "" {
				return fmt.Errorf("there is no cache folder: set %s, or HOME to an absolute path", graftcache.DirVariable)
			}
			return do(dir)
		},
	}
}
