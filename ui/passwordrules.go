package ui

import (
	"bytes"
	"context"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Passwords change the certificate password (M04 first password, M19 修改密码).
type Passwords interface {
	SetFirstPassword(ctx context.Context, certID string, smsPassword, password []byte) error
	ChangePassword(ctx context.Context, certID string, old, new []byte) error
}

// passwordRule is one rule and whether a password follows it.
type passwordRule struct {
	key string
	met bool
}

// passwordRules judges a new password against the rules of the client; old is the one it replaces, empty when not typed yet.
func passwordRules(password, old []byte) []passwordRule {
	return []passwordRule{
		{"password.ruleLength", client.RuleLength.Holds(password) && client.RuleCharacters.Holds(password)},
		{"password.ruleRun", client.RuleNoRun.Holds(password)},
		{"password.ruleOld", len(password) > 0 && !bytes.Equal(password, old)},
	}
}

// ruleList shows the rules, ticked as they are met.
type ruleList struct {
	*widgets.Box
	icons  []*widgets.Icon
	labels []*widgets.Text
}

func (u *UI) newRuleList() *ruleList {
	l := &ruleList{}
	column := widgets.Column(style.Space1)
	for _, r := range passwordRules(nil, nil) {
		icon, label := widgets.NewIcon("check", 16, style.None), widgets.Caption(u.T(r.key))
		l.icons, l.labels = append(l.icons, icon), append(l.labels, label)
		column.Add(widgets.Row(style.Space2, icon, widgets.Grow(label)))
	}
	l.Box = widgets.NewBox(style.None, 0, column)
	l.show(nil, nil)
	return l
}

// show ticks the rules and tells whether all are met.
func (l *ruleList) show(password, old []byte) bool {
	all := true
	for i, r := range passwordRules(password, old) {
		all = all && r.met
		if r.met {
			l.icons[i].Set("check", style.Success)
			l.labels[i].SetColour(style.Success)
		} else {
			l.icons[i].Set("dot", style.TextSoft)
			l.labels[i].SetColour(style.TextSoft)
		}
	}
	return all
}
