// Command wheelmend audits and repairs Python wheels for Linux, macOS and Android, from any
// host, offline and without helper programs. Run "wheelmend help" for its commands.
//
// It holds flags, wording and exit codes: 0 when all is done, 1 when a wheel
// fails its check or cannot be repaired, 2 for wrong usage.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/wheelmend/wheelmend/internal/console"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endingSignals()...)
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first
	code := run(ctx, os.Args, console.Environment{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
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
