package main

import (
	"context"
	"os"
	"syscall"
	"testing"
)

func TestTheExitCodeIsThatOfTheSignal(t *testing.T) {
	for _, tt := range []struct {
		sent os.Signal // nil for none
		code int
		want int
	}{
		{nil, 0, 0}, {nil, 1, 1}, {nil, 2, 2},
		{os.Interrupt, 1, 130}, {syscall.SIGTERM, 1, 143},
		{os.Interrupt, 0, 0}, // it was done before
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		if tt.sent != nil {
			cancel(interruption{tt.sent})
		}
		if got := ended(ctx, tt.code); got != tt.want {
			t.Errorf("%v, code %d: %d, want %d", tt.sent, tt.code, got, tt.want)
		}
		cancel(nil)
	}
}
