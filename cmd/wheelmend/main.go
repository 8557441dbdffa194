// Command wheelmend audits and repairs Python wheels for Linux, macOS and Android, from any
// host, offline and without helper programs. Run "wheelmend help" for its commands.
//
// It holds flags, wording and exit codes: 0 when all is done, 1 when a wheel
// fails its check or cannot be repaired, 2 for wrong usage, and that of the signal (130
// for Ctrl-C) when one ended it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/wheelmend/wheelmend/internal/console"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endingSignals()...)
	go func() {
		sent := <-signals
		signal.Stop(signals) // a second signal ends what does not heed the first
		cancel(interruption{sent})
	}()
	code := run(ctx, os.Args, console.Environment{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	})
	os.Exit(ended(ctx, code))
}

// An interruption is what a signal ends the program with.
type interruption struct{ os.Signal }

func (i interruption) Error() string { return "interrupted" }

// ended returns the exit code that shells know a signal by, 128 and its number (130 for
// Ctrl-C), if one kept the program from being done.
func ended(ctx context.Context, code int) int {
	if i, ok := context.Cause(ctx).(interruption); ok && code != console.ExitDone {
		if number, ok := i.Signal.(syscall.Signal); ok {
			return 128 + int(number)
		}
	}
	return code
}

// endingSignals are the signals after which nothing may stay behind. Programs that
// are started by nohup(1) ignore the end of their terminal, and so it stays.
func endingSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}
