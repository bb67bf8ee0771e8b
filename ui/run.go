package ui

import (
	"context"
	"errors"
	"time"

	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// modalAfter is how long a wait may last before it is shown.
const modalAfter = 300 * time.Millisecond

// Go calls work off the UI goroutine and then done, exactly once, on it; done gets a context.Canceled error when ctx ended
// and work gave up because of it.
func Go[T any](ctx context.Context, u *UI, work func(context.Context) (T, error), done func(T, error)) {
	go func() {
		v, err := work(ctx)
		u.deps.Do(func() { done(v, err) })
	}()
}

// Run is Go with a modal after 300 ms that shows label and 取消. After 取消 the modal stays until work has returned: what
// work brings then (perhaps a success that came first) is what done gets.
func Run[T any](ctx context.Context, u *UI, label string, work func(context.Context) (T, error), done func(T, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var modal *Modal
	finished := false
	stop := u.deps.Clock.AfterFunc(modalAfter, func() {
		u.deps.Do(func() {
			if !finished {
				modal = u.progress(label, cancel)
			}
		})
	})
	Go(ctx, u, work, func(v T, err error) {
		finished = true
		stop()
		cancel()
		if modal != nil {
			modal.Close()
		}
		done(v, err)
	})
}

func (u *UI) progress(label string, cancel func()) *Modal {
	text := widgets.NewText(label)
	var button *widgets.Button
	stop := func() {
		cancel()
		text.SetText(u.T("cancelling"))
		button.SetEnabled(false)
	}
	button = widgets.NewButton(widgets.Plain, u.T("cancel"), stop)
	m := u.Sheet(widgets.Column(style.Space4,
		widgets.Row(style.Space4, widgets.NewSpinner(32), widgets.Grow(text)), button), 340, true, stop)
	m.overlay.OnScrim = nil // a finger beside the card has not decided to give up
	return m
}

// cancelled tells whether an error only says that the user gave up.
func cancelled(err error) bool { return errors.Is(err, context.Canceled) }

// every calls f on the UI goroutine once a period until ctx ends; the first time after one period.
func (u *UI) every(ctx context.Context, period time.Duration, f func()) {
	var again func()
	again = func() {
		u.deps.Clock.AfterFunc(period, func() {
			u.deps.Do(func() {
				if ctx.Err() == nil {
					f()
					again()
				}
			})
		})
	}
	again()
}
