package ui

import (
	"context"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Updates look for a newer version of the app (M22).
type Updates interface {
	CheckUpdate(ctx context.Context) (client.Release, bool, error)
	UpdateDue(ctx context.Context) (bool, error)
}

// checkUpdate is 检查更新 by hand: it always says something.
func (u *UI) checkUpdate() {
	Run(u.Context(), u, u.T("M22.checking"), u.lookForUpdate, func(r *client.Release, err error) {
		switch {
		case err != nil:
			u.fail(err, nil)
		case r == nil:
			u.Toast(u.T("M22.newest"))
		default:
			u.offer(*r)
		}
	})
}

// checkUpdateIfDue looks by itself, as often as the user chose, and speaks up only about a newer version.
func (u *UI) checkUpdateIfDue(ctx context.Context) {
	Go(ctx, u, func(ctx context.Context) (*client.Release, error) {
		due, err := u.deps.Services.Updates.UpdateDue(ctx)
		if err != nil || !due {
			return nil, err
		}
		return u.lookForUpdate(ctx)
	}, func(r *client.Release, err error) {
		switch {
		case ctx.Err() != nil:
		case err != nil:
			u.deps.Log.Info("update check", "error", err)
		case r != nil:
			u.offer(*r)
		}
	})
}

// lookForUpdate returns a newer release, or nil.
func (u *UI) lookForUpdate(ctx context.Context) (*client.Release, error) {
	r, newer, err := u.deps.Services.Updates.CheckUpdate(ctx)
	if err != nil || !newer {
		return nil, err
	}
	return &r, nil
}

// offer shows what a new version is and where to get it. The app does not install anything by itself.
func (u *UI) offer(r client.Release) {
	var m *Modal
	m = u.Sheet(widgets.Column(style.Space4, widgets.Heading(u.T("M22.offer", "version", r.Version)),
		widgets.NewText(r.Notes),
		widgets.Column(style.Space3, widgets.Fact(u.T("M22.size"), u.size(r.Size)), widgets.Fact("SHA-256", groups(r.SHA256)), widgets.Fact(u.T("M22.address"), r.URL)),
		widgets.NewButton(widgets.Primary, u.T("M22.copyAddress"), func() {
			m.Close()
			u.copyText(r.URL)
		}),
		widgets.NewButton(widgets.Plain, u.T("M22.later"), func() { m.Close() })), 460, true, func() { m.Close() })
}
