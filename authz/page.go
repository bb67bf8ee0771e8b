package authz

import (
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"
)

// MaxPage bounds the rows of a page.
const MaxPage = 100

// ErrCursor reports a cursor that List did not make.
var ErrCursor = errors.New("authz: invalid cursor")

// Query selects rows. Text is looked for, in any case, in both accounts and the grantee's name.
type Query struct {
	State  State // None for every state
	Text   string
	Cursor string // of the page before; empty for the first
	Size   int    // rows, brought into 1 … MaxPage
}

// List returns a page, newest first, and the cursor of the next one, empty at the end. A cursor names the last row by
// its place in the order, so rows that come or go between two pages make no other row appear twice or not at all.
func List(all []Authorization, q Query, now time.Time) (page []Authorization, cursor string, err error) {
	last, err := place(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	for _, a := range all {
		state, _ := a.Status(now)
		if q.State != None && state != q.State || q.Cursor != "" && newestFirst(a, last) <= 0 {
			continue
		}
		if strings.Contains(strings.ToLower(a.Grantor+"\n"+a.Grantee+"\n"+a.GranteeName), text) {
			page = append(page, a)
		}
	}
	slices.SortFunc(page, newestFirst)
	size := min(max(q.Size, 1), MaxPage)
	if len(page) <= size {
		return page, "", nil
	}
	page = page[:size]
	end := page[size-1]
	return page, base64.RawURLEncoding.EncodeToString([]byte(end.Created.UTC().Format(time.RFC3339Nano) + " " + end.ID)), nil
}

func newestFirst(a, b Authorization) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
}

func place(cursor string) (Authorization, error) {
	if cursor == "" {
		return Authorization{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return Authorization{}, ErrCursor
	}
	stamp, id, ok := strings.Cut(string(b), " ")
	created, err := time.Parse(time.RFC3339Nano, stamp)
	if !ok || err != nil {
		return Authorization{}, ErrCursor
	}
	return Authorization{ID: id, Created: created}, nil
}
