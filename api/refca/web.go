package refca

import (
	"bytes"
	"embed"
	"encoding/pem"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"

	"github.com/go-chi/chi/v5"
)

//go:embed web
var webFiles embed.FS

// name is a label in the two languages of the QA page.
type name struct{ Zh, En string }

type navEntry struct {
	Path    string
	Name    name
	Current bool
}

// page is what every template gets.
type page struct {
	Organisation Organisation
	Title        name
	Nav          []navEntry
	Refresh      int // seconds, 0: not
	Message      string
	Now          string
	Data         any
}

const (
	pageTime   = "2006-01-02 15:04:05"
	pageDay    = "2006-01-02"
	pageRows   = 200
	autoVerify = 20_000 // entries of the audit log that a page view verifies unasked
)

// web is the QA page. It shows codes, so it answers only to hosts that cannot be another site's name (DNS rebinding), and takes
// no form from another origin.
func (s *Server) web() http.Handler {
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self' data:; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cache-Control", "no-store")
			if !plainHost(r.Host) {
				http.Error(w, "open this page by its IP address", http.StatusMisdirectedRequest)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
			next.ServeHTTP(w, r)
		})
	})
	router.Use(http.NewCrossOriginProtection().Handler)
	router.Get("/", s.page("init.html", "/", 0, s.initPage))
	router.Get("/outbox", s.page("outbox.html", "/outbox", 3, s.outboxPage))
	router.Get("/accounts", s.page("accounts.html", "/accounts", 0, s.accountsPage))
	router.Get("/certificates", s.page("certificates.html", "/certificates", 0, s.certificatesPage))
	router.Get("/audit", s.page("audit.html", "/audit", 0, s.auditPage))
	router.Get("/init.png", func(w http.ResponseWriter, _ *http.Request) { send(w, "image/png", s.picture) })
	router.Get("/anchor.pem", func(w http.ResponseWriter, _ *http.Request) { sendPEM(w, s.pki.TrustRoot.Raw) })
	router.Get("/chain.pem", func(w http.ResponseWriter, _ *http.Request) { sendPEM(w, s.pki.Chain()...) })
	router.Get("/certificates/{serial}.pem", s.certificateFile)
	s.routePKI(router)
	router.Get("/style.css", func(w http.ResponseWriter, _ *http.Request) {
		css, err := webFiles.ReadFile("web/style.css")
		if err != nil {
			http.Error(w, "no style", http.StatusInternalServerError)
			return
		}
		send(w, "text/css; charset=utf-8", css)
	})
	router.Post("/accounts/add", s.action("/accounts", func(r *http.Request) error {
		return s.AddAccount(r.Context(), Account{
			ID: r.PostFormValue("id"), Holder: r.PostFormValue("holder"), Unit: r.PostFormValue("unit"), Phone: r.PostFormValue("phone"),
		})
	}))
	router.Post("/accounts/unbind", s.action("/accounts", func(r *http.Request) error {
		return s.Unbind(r.Context(), r.PostFormValue("account"))
	}))
	for _, a := range certificateActions() {
		router.Post("/certificates/"+a.Path, s.action("/certificates", func(r *http.Request) error {
			return a.do(s, r.Context(), r.PostFormValue("serial"))
		}))
	}
	return router
}

func navigation(current string) []navEntry {
	nav := []navEntry{
		{Path: "/", Name: name{"初始化", "Initialise"}},
		{Path: "/outbox", Name: name{"短信", "SMS outbox"}},
		{Path: "/accounts", Name: name{"用户", "Accounts"}},
		{Path: "/certificates", Name: name{"证书", "Certificates"}},
		{Path: "/audit", Name: name{"审计", "Audit"}},
	}
	for i := range nav {
		nav[i].Current = nav[i].Path == current
	}
	return nav
}

func (s *Server) page(file, path string, refresh int, data func(*http.Request, *store.Tx) (any, error)) http.HandlerFunc {
	templates := template.Must(template.ParseFS(webFiles, "web/page.html", "web/"+file))
	return func(w http.ResponseWriter, r *http.Request) {
		nav := navigation(path)
		p := page{Organisation: s.organisation, Nav: nav, Refresh: refresh, Now: s.now().UTC().Format(pageTime)}
		p.Title = nav[slices.IndexFunc(nav, func(e navEntry) bool { return e.Current })].Name
		switch r.URL.Query().Get("done") {
		case "yes":
			p.Message = "已完成 Done"
		case "no":
			p.Message = "未完成：请检查输入 Not done: check the input"
		}
		err := s.db.View(func(tx *store.Tx) (err error) {
			p.Data, err = data(r, tx)
			return err
		})
		var out bytes.Buffer
		if err == nil {
			err = templates.ExecuteTemplate(&out, "page", p)
		}
		if err != nil {
			s.log.ErrorContext(r.Context(), "page", "path", path, "err", err)
			http.Error(w, "see the log", http.StatusInternalServerError)
			return
		}
		send(w, "text/html; charset=utf-8", out.Bytes())
	}
}

func (s *Server) action(back string, do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		done := "yes"
		if err := do(r); err != nil {
			s.log.WarnContext(r.Context(), "operator's action", "path", r.URL.Path, "err", err)
			done = "no"
		}
		http.Redirect(w, r, back+"?"+url.Values{"done": {done}}.Encode(), http.StatusSeeOther)
	}
}

func (s *Server) initPage(*http.Request, *store.Tx) (any, error) {
	fingerprint := s.pki.Fingerprint()
	return struct {
		API, Code, Text, Fingerprint, Expires string
		QRSide                                int
	}{
		s.addresses.API, s.addresses.InitCode, s.addresses.InitText, colons(fingerprint[:]),
		s.published.Add(initLife).UTC().Format(pageTime) + " UTC", pngSide(s.picture),
	}, nil
}

type outboxRow struct {
	message
	Time    string
	Expired bool
}

func (s *Server) outboxPage(_ *http.Request, tx *store.Tx) (any, error) {
	var rows []outboxRow
	var err error
	for _, m := range messages.newest(tx, "", &err) {
		rows = append(rows, outboxRow{m, m.Time.UTC().Format(pageTime), s.now().Sub(m.Time) >= codeLife})
		if len(rows) == pageRows {
			break
		}
	}
	return rows, err
}

type accountRow struct {
	account
	Device       string
	Certificates int
}

func (s *Server) accountsPage(_ *http.Request, tx *store.Tx) (any, error) {
	count := map[string]int{}
	var err error
	for _, c := range certificates.all(tx, "", &err) {
		count[c.Account]++
	}
	var rows []accountRow
	for _, a := range accounts.all(tx, "", &err) {
		row := accountRow{account: a, Certificates: count[a.ID]}
		if a.BoundDevice != "" {
			d, _, err := devices.get(tx, a.BoundDevice)
			if err != nil {
				return nil, err
			}
			row.Device = d.Name
		}
		rows = append(rows, row)
	}
	return rows, err
}

type certificateRow struct {
	certificate
	NotBefore, NotAfter string
	State               gen.CredentialState
	StateName, Password name
	Actions             []certificateAction
}

func (s *Server) certificatesPage(_ *http.Request, tx *store.Tx) (any, error) {
	var rows []certificateRow
	var err error
	for _, c := range certificates.all(tx, "", &err) {
		row := certificateRow{certificate: c, NotBefore: c.NotBefore.Format(pageDay), NotAfter: c.NotAfter.Format(pageDay)}
		row.State = c.state(s.now())
		row.StateName = map[gen.CredentialState]name{
			gen.CredentialStateActive: {"有效", "active"}, gen.CredentialStateExpired: {"过期", "expired"},
			gen.CredentialStateRevoked: {"已吊销", "revoked"}, gen.CredentialStateSuspended: {"已挂起", "suspended"},
		}[row.State]
		row.Password = s.passwordState(tx, c.KeyID)
		for _, a := range certificateActions() {
			if slices.Contains(a.from, row.State) {
				row.Actions = append(row.Actions, a)
			}
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b certificateRow) int { return b.Issued.Compare(a.Issued) })
	return rows[:min(len(rows), pageRows)], err
}

// passwordState says how the attempts on a key stand.
func (s *Server) passwordState(tx *store.Tx, keyID string) name {
	share, err := loadShare(tx, keyID)
	if err != nil {
		return name{"—", "removed"}
	}
	guard, err := loadGuard(tx, keyID)
	if err != nil {
		return name{"—", "removed"}
	}
	switch status := guard.Status(s.now()); {
	case status.Frozen:
		return name{"已冻结", "frozen"}
	case status.Locked && status.LockedUntil.IsZero():
		return name{"已锁定", "locked until unlocked"}
	case status.Locked:
		return name{"已锁定", "locked until " + status.LockedUntil.UTC().Format(pageTime)}
	case share.Initial():
		return name{"首次密码未修改", "first password not changed"}
	default:
		return name{fmt.Sprintf("剩余 %d 次", status.AttemptsLeft), fmt.Sprintf("%d tries left", status.AttemptsLeft)}
	}
}

type auditRow struct {
	auditEntry
	Time   string
	OK     bool
	Detail []struct{ Name, Value string }
}

func (s *Server) auditPage(r *http.Request, tx *store.Tx) (any, error) {
	var data struct {
		Count    uint64
		Verified bool
		Broken   string
		Entries  []auditRow
	}
	var err error
	for _, e := range audits.newest(tx, "", &err) {
		row := auditRow{auditEntry: e, Time: e.Time.UTC().Format(pageTime), OK: e.Result == "ok"}
		for _, k := range sortedKeys(e.Detail) {
			row.Detail = append(row.Detail, struct{ Name, Value string }{k, e.Detail[k]})
		}
		data.Entries = append(data.Entries, row)
		data.Count = max(data.Count, e.Sequence)
		if len(data.Entries) == pageRows {
			break
		}
	}
	if err == nil && (data.Count <= autoVerify || r.URL.Query().Get("verify") != "") {
		if _, err := verifyAudit(tx); err != nil {
			data.Broken = err.Error()
		}
		data.Verified = true
	}
	return data, err
}

func (s *Server) certificateFile(w http.ResponseWriter, r *http.Request) {
	err := s.db.View(func(tx *store.Tx) error {
		c, found, err := certificates.get(tx, chi.URLParam(r, "serial"))
		if err == nil && !found {
			http.NotFound(w, r)
		} else if err == nil {
			sendPEM(w, c.DER)
		}
		return err
	})
	if err != nil {
		http.Error(w, "see the log", http.StatusInternalServerError)
	}
}

func send(w http.ResponseWriter, kind string, content []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(content) // a browser that has gone asks again
}

func sendPEM(w http.ResponseWriter, ders ...[]byte) {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	send(w, "application/x-pem-file", out)
}

// plainHost says whether a Host header is an IP address or localhost.
func plainHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

func (c certificate) state(now time.Time) gen.CredentialState {
	switch {
	case !c.Revoked.IsZero():
		return gen.CredentialStateRevoked
	case !now.Before(c.NotAfter):
		return gen.CredentialStateExpired
	case !c.Suspended.IsZero():
		return gen.CredentialStateSuspended
	}
	return gen.CredentialStateActive
}
