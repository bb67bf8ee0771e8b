package client

// Limits of a certificate password, in bytes. The server counts every guess (three before the first lock), so the length
// guards against someone who looks over a shoulder or knows the user, not against a machine.
const (
	MinPassword = 6
	MaxPassword = 32
)

// Rule is one requirement of a new password.
type Rule int

// The rules in the order a screen shows them.
const (
	RuleLength     Rule = iota + 1 // MinPassword to MaxPassword bytes
	RuleCharacters                 // printable ASCII only, so that every keyboard can type it
	RuleNoRun                      // no run such as 123456, fedcba or 888888 makes up the whole password
)

// Rules returns every rule.
func Rules() []Rule { return []Rule{RuleLength, RuleCharacters, RuleNoRun} }

// Holds reports whether password follows the rule. An empty password follows none.
func (r Rule) Holds(password []byte) bool {
	if len(password) == 0 {
		return false
	}
	switch r {
	case RuleLength:
		return len(password) >= MinPassword && len(password) <= MaxPassword
	case RuleCharacters:
		for _, c := range password {
			if c < '!' || c > '~' {
				return false
			}
		}
		return true
	case RuleNoRun:
		return !isRun(password)
	}
	return false
}

// CheckPassword returns ErrWeakPassword unless every rule holds.
func CheckPassword(password []byte) error {
	for _, r := range Rules() {
		if !r.Holds(password) {
			return ErrWeakPassword
		}
	}
	return nil
}

// isRun reports whether each character differs from the one before by the same step of -1, 0 or 1.
func isRun(p []byte) bool {
	if len(p) < 2 {
		return true
	}
	step := int(p[1]) - int(p[0])
	if step < -1 || step > 1 {
		return false
	}
	for i := 2; i < len(p); i++ {
		if int(p[i])-int(p[i-1]) != step {
			return false
		}
	}
	return true
}
