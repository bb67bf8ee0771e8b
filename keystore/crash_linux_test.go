package keystore_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloudkey/keystore"
)

// write changes a store for ever and prints each change before it begins and after it is acknowledged. It plays a
// password change, a signature, a new certificate and a deletion, each with what belongs together in one commit.
func write() {
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	s, err := keystore.Open(background, os.Getenv("KEYSTORE_TEST_DIR"), keystore.Options{})
	fail(err)
	n, err := strconv.Atoi(os.Getenv("KEYSTORE_TEST_FROM"))
	fail(err)
	count, _ := strconv.Atoi(os.Getenv("KEYSTORE_TEST_COUNT")) // 0 is for ever
	for last := n + count; count == 0 || n < last; n++ {
		fmt.Println("begin", n)
		fail(apply(s, n))
		fmt.Println("done", n)
	}
	fail(s.Close())
	os.Exit(0)
}

// apply is change n: every profile carries the number of the change in share, profile and history together.
func apply(s *keystore.Store, n int) error {
	id := func(i int) string { return fmt.Sprintf("p%d", i) }
	slot := n % 5
	put := func(tx *keystore.Tx) error {
		p := profile(id(slot), "o1", id(slot), byte(slot+1))
		p.Holder = strconv.Itoa(n)
		sig := signature(p.ID, n)
		sig.Digest = make([]byte, 32)
		sig.Document = strconv.Itoa(n)
		err := errors.Join(tx.PutOrganisation(organisation("o1")), tx.PutProfile(p), tx.PutShare(p.KeyID, []byte(strconv.Itoa(n))))
		if err != nil {
			return err
		}
		_, err = tx.AppendSignature(sig)
		return err
	}
	if n%7 == 6 {
		err := s.DeleteProfile(background, id(slot))
		if errors.Is(err, keystore.ErrNotFound) {
			return nil
		}
		return err
	}
	return s.Update(background, put)
}

// model gives what each profile slot must show after changes 0 … n.
func model(n int) map[string]string {
	m := map[string]string{}
	for i := 0; i <= n; i++ {
		id := fmt.Sprintf("p%d", i%5)
		if i%7 == 6 {
			delete(m, id)
		} else {
			m[id] = strconv.Itoa(i)
		}
	}
	return m
}

// observed reads the same from a store, and checks that what was committed together agrees.
func observed(t *testing.T, s *keystore.Store) map[string]string {
	t.Helper()
	m := map[string]string{}
	must(t, s.View(background, func(tx *keystore.Tx) error {
		all, err := tx.Profiles()
		must(t, err)
		for _, p := range all {
			share, err := tx.Share(p.KeyID)
			must(t, err)
			newest, err := tx.Signatures(p.ID, 0, 1)
			must(t, err)
			if string(share) != p.Holder || len(newest) != 1 || newest[0].Document != p.Holder {
				t.Errorf("%s: profile %s, share %s, history %v", p.ID, p.Holder, share, newest)
			}
			must(t, tx.VerifyHistory(p.ID))
			m[p.ID] = p.Holder
		}
		return nil
	}))
	return m
}

// TestR1_Kill9 kills a writing process at random moments, creation included, and checks after each that everything
// acknowledged is there, and the change under way is there whole or not at all.
func TestR1_Kill9(t *testing.T) {
	dir := t.TempDir()
	next, acknowledged, total, kills := 0, -1, 0, 0
	for round := range rounds(25, 2000) {
		kills++
		if round%10 == 9 { // again through creation
			dir, next, acknowledged = t.TempDir(), 0, -1
		}
		cmd := child(t, "write", dir, "KEYSTORE_TEST_FROM="+strconv.Itoa(next))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		timer := time.AfterFunc(time.Duration(rand.IntN(120))*time.Millisecond, func() { cmd.Process.Kill() })
		begun := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word, number, _ := strings.Cut(lines.Text(), " ")
			n, _ := strconv.Atoi(number)
			switch word {
			case "begin":
				begun = n
			case "done":
				acknowledged = n
				total++
			default:
				t.Fatal(lines.Text())
			}
		}
		cmd.Wait()
		timer.Stop()
		s := open(t, dir)
		got := observed(t, s)
		switch {
		case fmt.Sprint(got) == fmt.Sprint(model(acknowledged)):
			next = acknowledged + 1
		case begun > acknowledged && fmt.Sprint(got) == fmt.Sprint(model(begun)):
			acknowledged, next = begun, begun+1
		default:
			t.Fatalf("round %d: acknowledged %d, begun %d: %v", round, acknowledged, begun, got)
		}
		if s.ErasurePending() {
			t.Error("erasure not finished by Open")
		}
		must(t, s.Close())
		for name := range files(t, dir) {
			if strings.HasPrefix(name, "keystore.tmp-") {
				t.Errorf("left over: %s", name)
			}
		}
	}
	report(t, *results, map[string]mark{
		"R1.store.kills":        {float64(kills), "kills of a process that changes the key store; nothing acknowledged lost", 2000},
		"R1.store.acknowledged": {float64(total), "changes acknowledged meanwhile", 0},
	})
}
