package authz_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cloudkey/authz"
)

func TestM23_PagesWhileRowsChange(t *testing.T) {
	var all []authz.Authorization
	for i := range 95 {
		a := in(authz.Pending)
		a.ID, a.Created = fmt.Sprint(i), now.Add(time.Duration(i/3)) // three rows share an instant
		all = append(all, a)
	}
	seen := map[string]int{}
	q := authz.Query{State: authz.Pending, Size: 10}
	for pages := 0; ; pages++ {
		page, cursor, err := authz.List(all, q, now)
		if err != nil || len(page) > 10 || pages > 10 {
			t.Fatal(len(page), pages, err)
		}
		for _, a := range page {
			seen[a.ID]++
		}
		fresh := in(authz.Pending)
		fresh.ID, fresh.Created = fmt.Sprint("new", pages), now.Add(time.Hour)
		all = append(all, fresh)
		if q.Cursor = cursor; cursor == "" {
			break
		}
	}
	for i := range 95 {
		if seen[fmt.Sprint(i)] != 1 {
			t.Errorf("row %d seen %d times", i, seen[fmt.Sprint(i)])
		}
	}
}

func TestM23_SearchAndState(t *testing.T) {
	a, b := in(authz.Active), in(authz.Expired)
	a.GranteeName, b.ID, b.Grantee = "王小明", "2", "Nurse7"
	for _, c := range []struct {
		q    authz.Query
		want int
	}{
		{authz.Query{}, 2},
		{authz.Query{Text: " 小明 "}, 1},
		{authz.Query{Text: "nurse"}, 1},
		{authz.Query{Text: "nobody"}, 0},
		{authz.Query{State: authz.Expired}, 1},
		{authz.Query{State: authz.Active, Text: "nurse"}, 0},
	} {
		c.q.Size = 10
		if page, _, err := authz.List([]authz.Authorization{a, b}, c.q, now); err != nil || len(page) != c.want {
			t.Errorf("%+v: %d rows, %v", c.q, len(page), err)
		}
	}
}

func TestM23_ForeignCursor(t *testing.T) {
	for _, cursor := range []string{"!", "AAAA", "IA", "MjAyNg"} {
		if _, _, err := authz.List(nil, authz.Query{Cursor: cursor}, now); !errors.Is(err, authz.ErrCursor) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}
