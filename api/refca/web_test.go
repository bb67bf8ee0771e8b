package refca_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cloudkey/api/gen"

	"github.com/google/uuid"
)

// browse fetches a page of the QA site; change may alter the request.
func (b *bench) browse(method, path string, form url.Values, change func(*http.Request)) (int, string) {
	b.t.Helper()
	target := strings.TrimSuffix(b.ca.Addresses().Web, "/") + path
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestQAPageShowsEverythingAndSaysItIsForTesting(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	code, _ := b.ca.LatestSMS("10001")
	serial := serialOf(t, f.issued)
	for path, want := range map[string][]string{
		"/":             {b.ca.Addresses().InitCode, b.ca.Addresses().API, "init.png"},
		"/outbox":       {code, "10001", "张伟", `http-equiv="refresh"`},
		"/accounts":     {"10002", "李娜", "13800000002"},
		"/certificates": {serial, "张伟", "有效", "3 tries left"},
		"/audit":        {"requestCertificate", "哈希链完整"},
	} {
		status, body := b.browse(http.MethodGet, path, nil, nil)
		for _, w := range append(want, "仅供测试", "For testing only", `name="viewport"`) {
			if !strings.Contains(body, w) {
				t.Errorf("%s (%d) does not show %q", path, status, w)
			}
		}
	}
	if _, body := b.browse(http.MethodGet, "/certificates/"+serial+".pem", nil, nil); !strings.HasPrefix(body, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("certificate file: %.60q", body)
	}
	if status, _ := b.browse(http.MethodGet, "/certificates/00.pem", nil, nil); status != http.StatusNotFound {
		t.Errorf("unknown certificate: %d", status)
	}
	if _, body := b.browse(http.MethodGet, "/anchor.pem", nil, nil); body != b.ca.Addresses().Anchor {
		t.Error("another anchor")
	}
	if _, body := b.browse(http.MethodGet, "/init.png", nil, nil); !bytes.HasPrefix([]byte(body), []byte("\x89PNG")) {
		t.Error("no picture")
	}
}

func TestQAPageActionsComeFromThePageOnly(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	form := url.Values{"serial": {serialOf(t, f.issued)}}
	state := func() gen.CredentialState {
		t.Helper()
		s, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String())
		if err != nil {
			t.Fatal(err)
		}
		return s.State
	}
	for name, change := range map[string]func(*http.Request){
		"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another origin": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://attacker.example")
		},
		"a rebound name": func(r *http.Request) { r.Host = "attacker.example" },
	} {
		if status, _ := b.browse(http.MethodPost, "/certificates/revoke", form, change); status < 400 || state() != gen.CredentialStateActive {
			t.Errorf("%s: %d, certificate %s", name, status, state())
		}
	}
	if status, body := b.browse(http.MethodGet, "/outbox", nil, func(r *http.Request) { r.Host = "attacker.example:80" }); status < 400 {
		t.Errorf("a rebound name reads the outbox: %.80q", body)
	}
	for _, step := range []struct {
		path string
		want gen.CredentialState
	}{
		{"/certificates/suspend", gen.CredentialStateSuspended},
		{"/certificates/reinstate", gen.CredentialStateActive},
		{"/certificates/revoke", gen.CredentialStateRevoked},
	} {
		if status, body := b.browse(http.MethodPost, step.path, form, nil); status != http.StatusOK || !strings.Contains(body, "已完成") || state() != step.want {
			t.Errorf("%s: %d, certificate %s", step.path, status, state())
		}
	}
	if _, body := b.browse(http.MethodPost, "/certificates/revoke", form, nil); !strings.Contains(body, "未完成") {
		t.Error("revoked twice")
	}
}

func TestAccountAddedOnTheQAPageCanEnrol(t *testing.T) {
	b := newBench(t)
	form := url.Values{"id": {"20001"}, "holder": {`<script>alert("x")</script>`}, "unit": {"护理部"}, "phone": {"13900000009"}}
	_, body := b.browse(http.MethodPost, "/accounts/add", form, nil)
	if !strings.Contains(body, "20001") || strings.Contains(body, "<script>") {
		t.Fatalf("accounts page: %s", body)
	}
	b.restart()
	e, err := b.phone().api.CreateEnrolment(t.Context(), uuid.New(), gen.EnrolmentRequest{Account: "20001"})
	if err != nil || e.PhoneHint != "139****0009" {
		t.Errorf("%+v, %v", e, err)
	}
	form.Set("phone", "1")
	if _, body := b.browse(http.MethodPost, "/accounts/add", form, nil); !strings.Contains(body, "未完成") {
		t.Error("a short number was accepted")
	}
	addresses, err := json.Marshal(b.ca.Addresses())
	if err != nil || bytes.ContainsRune(addresses, '\n') {
		t.Errorf("not one JSON line: %s, %v", addresses, err)
	}
}
