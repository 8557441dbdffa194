package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/config"
	"github.com/wheelmend/wheelmend/internal/console"
)

// settingsOf tells which settings of a project a command takes. The platform tag is the
// aim of a repair alone: an audit with --plat is a check, which nobody asked for.
var settingsOf = map[string][]string{
	"audit":  {"exclude", "search-path"},
	"repair": {"exclude", "graft", "plat", "search-path", "strip"},
	"verify": {"exclude"},
	"tree":   {"exclude", "search-path"},
	"tag":    {"exclude"},
}

// applySettings gives flags that were not given the values of the project's settings.
func (a *app) applySettings(cmd *cobra.Command) error {
	wanted := settingsOf[cmd.Name()]
	if wanted == nil || a.noConfig {
		return nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil // a directory that is gone has no project
	}
	settings, err := config.Find(dir)
	if err != nil {
		return console.Usage(err)
	}
	if settings == nil {
		return nil
	}
	a.Log.WithField("file", settings.File).Info("the settings of this file are used")
	return a.setFlags(cmd, wanted, settings)
}

func (a *app) setFlags(cmd *cobra.Command, wanted []string, settings *config.Settings) error {
	for _, key := range config.Keys() {
		values, given := settings.Values[key]
		flag := cmd.Flags().Lookup(key)
		if !given || flag == nil || flag.Changed || !slices.Contains(wanted, key) {
			continue
		}
		// What a wheel of another system has no use for is no flag for it: a flag would fail.
		switch key {
		case "plat":
			plats, err := command.DefaultPlats(settings.File, values)
			if err != nil {
				return err
			}
			a.defaults.Platforms = plats
			if len(plats) > 0 {
				// As flags have it, auto would go before them.
				if err := flag.Value.Set(""); err != nil {
					return err
				}
			}
			continue
		case "strip":
			a.defaults.Strip = values[0] == "true"
			continue
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				return console.Usagef("%s: %s %q: %w", settings.File, key, value, err)
			}
		}
	}
	return nil
}
