package main

import (
	"strings"
	"time"

	"cloudkey/client"
	"cloudkey/ui/drive"
)

// scene is one picture: a screen in one of its states.
type scene struct {
	id, name string
	play     func(s *stage)
}

// scenes are all pictures, by the ID of the screen.
func scenes() []scene {
	return []scene{
		{"M01", "download", func(s *stage) { s.start("M01.heading") }},
		{"M01", "organisation", func(s *stage) {
			s.fake.Own()
			s.fake.Certs = nil
			s.start("M01.heading")
			s.must(s.WaitFor(s.ctx, s.fake.Orgs[0].Name))
			s.typed("M01.account", "10001")
		}},
		{"M01", "error", func(s *stage) { s.start("M01.heading"); s.tap("next"); s.see("M01.accountEmpty") }},
		{"M01", "unfinished", func(s *stage) {
			s.fake.Own()
			s.fake.Certs = nil
			s.fake.PendingState.Enrolment = &s.fake.Enrolment
			s.fake.Enrolment.Account = "10001"
			s.ui.Start(s.ctx)
			s.see("M04.codeHeading")
			s.ui.Back()
			s.see("M01.continue")
		}},
		{"M02", "scanner", scanner},
		{"M02", "nocode", func(s *stage) {
			scanner(s)
			s.picture(blank())
			s.tap("M02.choosePicture")
			s.see("error.noCode")
		}},
		{"M02", "paste", func(s *stage) {
			scanner(s)
			s.tap("M02.pasteText")
			s.see("M02.pasteLabel")
			s.tap("next")
		}},
		{"M02", "refused", func(s *stage) {
			s.fake.Fail("ReadInit", &client.QRError{Reason: client.QRBadSigner})
			pasted(s)
			s.see("error.qrSigner")
		}},
		{"M02", "confirm", func(s *stage) { pasted(s); s.see("M02.accept") }},
		{"M02", "code", func(s *stage) {
			s.fake.Offer.NeedsCode = true
			pasted(s)
			s.see("M02.strangeSigner")
			s.typed("M02.code", "ABCD")
			s.tap("M02.accept")
			s.see("M02.codeLength")
		}},
		{"M02", "replaces", func(s *stage) {
			old := s.fake.Offer.Organisation
			old.API, old.Fingerprint = "https://old.hospital.example/v1", "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
			s.fake.Offer.Replaces = &old
			pasted(s)
			s.see("M02.replaces")
		}},
		{"M02", "progress", func(s *stage) {
			s.fake.Hold("AcceptInit")
			pasted(s)
			s.tap("M02.accept")
			s.clock.Advance(time.Second)
			s.see("M02.asking")
		}},
		{"M04", "code", coded},
		{"M04", "letters", func(s *stage) { coded(s); s.must(s.Tap("ABC")) }},
		{"M04", "wrong", func(s *stage) {
			s.fake.Fail("Enrol", &client.CodeError{AttemptsLeft: 3})
			coded(s)
			s.clock.Advance(2 * time.Minute)
			s.secret("M04.code", "000000")
			s.tap("M04.download")
			s.must(s.WaitFor(s.ctx, s.ui.N("error.code", 3)))
		}},
		{"M04", "progress", func(s *stage) {
			s.fake.Hold("Enrol")
			coded(s)
			s.secret("M04.code", "482915")
			s.tap("M04.download")
			s.called("Enrol")
			s.Loop.Run()
		}},
		{"M04", "interrupted", func(s *stage) {
			s.fake.Fail("Enrol", &client.UncertainError{})
			coded(s)
			s.secret("M04.code", "482915")
			s.tap("M04.download")
			s.see("error.uncertain")
		}},
		{"M04", "password", func(s *stage) { enrolled(s); s.secret("password.new", "hospital7"); s.secret("password.again", "hosp") }},
		{"M04", "weak", func(s *stage) { enrolled(s); s.secret("password.new", "123456"); s.secret("password.again", "99") }},
		{"M04", "resumed", func(s *stage) {
			s.fake.Issued.Profile = client.ProfileMustPassword
			s.fake.PendingState.Certificate = &s.fake.Issued
			s.ui.Start(s.ctx)
			s.see("M04.lostCode")
		}},
		{"M05", "bind", func(s *stage) { protected(s); s.see("M16.bind") }},
		{"M05", "ink", func(s *stage) {
			protected(s)
			s.tap("skip")
			s.at("M14.title")
			s.must(s.Ink(handwriting(), func() { s.clock.Advance(12 * time.Millisecond) }))
		}},
		{"M05", "scribble", func(s *stage) { protected(s); s.tap("skip"); s.at("M14.title"); s.tap("M14.submit") }},
		{"M06", "main", mainScreen},
		{"M06", "soon", func(s *stage) {
			s.fake.Own()
			s.fake.Certs[0].NotAfter, s.fake.Certs[0].Bound = now.AddDate(0, 0, 12), false
			s.start("M06.functions")
		}},
		{"M07", "refreshing", func(s *stage) {
			mainScreen(s)
			s.fake.Hold("Refresh")
			s.tap("M07.refresh")
			s.called("Refresh")
		}},
		{"M07", "renewed", func(s *stage) {
			mainScreen(s)
			renewed := s.fake.Certs[0]
			renewed.NotAfter = renewed.NotAfter.AddDate(3, 0, 0)
			s.fake.Renewed = &renewed
			s.tap("M07.refresh")
			s.see("M07.renewedTitle")
		}},
		{"M18", "empty", func(s *stage) { mainScreen(s); s.tap("M18.title"); s.see("M18.empty") }},
		{"M18", "no-ink", func(s *stage) { mainScreen(s); s.tap("M18.title"); s.tap("M18.make"); s.see("M18.noInk") }},
		{"M18", "make", func(s *stage) {
			mainScreen(s)
			s.fake.Drawn = client.Ink{PNG: drive.Signature()}
			s.tap("M18.title")
			s.tap("M18.make")
			s.see("M18.makeText")
			s.must(s.Loop.Until(s.ctx, func() bool { return s.Enabled(s.ui.T("M18.makeNow")) }))
		}},
		{"M18", "list", func(s *stage) { sealed(s); s.see("M18.default") }},
		{"M18", "one", func(s *stage) { sealed(s); s.tapText(s.fake.Made[1].Name); s.see("M18.setDefault") }},
		{"M18", "delete", func(s *stage) {
			sealed(s)
			s.tapText(s.fake.Made[1].Name)
			s.tap("M18.delete")
			s.see("M18.deleteText")
		}},
		{"M06", "expired", func(s *stage) {
			s.fake.Own()
			s.fake.Certs[0].State, s.fake.Certs[0].NotAfter = client.CertExpired, now.AddDate(0, 0, -3)
			s.start("M06.functions")
		}},
		{"M09", "certificate", certificate},
		{"M09", "details", func(s *stage) { certificate(s); s.tap("M09.view"); s.see("M09.subject") }},
		{"M11", "delete", func(s *stage) { certificate(s); s.tap("M11.title"); s.see("M11.confirmTitle") }},
		{"M12", "switch", func(s *stage) {
			mainScreen(s)
			s.tap("M06.switch")
			s.see("M12.newAccount")
			s.must(s.WaitFor(s.ctx, "20417"))
		}},
		{"M12", "failed", func(s *stage) {
			mainScreen(s)
			s.fake.Fail("Certificates", &client.UnreachableError{Host: "ca.hospital.example:8443"})
			s.tap("M06.switch")
			s.see("error.unreachable", "host", "ca.hospital.example:8443")
		}},
		{"M13", "password", func(s *stage) { signing(s); s.secret("M13.password", "hosp") }},
		{"M13", "wrong", func(s *stage) {
			s.fake.Fail("Sign", &client.PasswordError{AttemptsLeft: 4})
			signing(s)
			s.secret("M13.password", "hosp")
			s.tap("confirm")
			s.must(s.WaitFor(s.ctx, s.ui.N("error.password", 4)))
		}},
		{"M13", "locked", func(s *stage) {
			s.fake.Fail("Sign", &client.LockedError{Until: now.Add(5 * time.Minute)})
			signing(s)
			s.secret("M13.password", "hosp")
			s.tap("confirm")
			s.see("M13.lockedFor", "time", "05:00")
		}},
		{"M13", "progress", func(s *stage) {
			s.fake.Hold("Sign")
			signing(s)
			s.secret("M13.password", "hosp")
			s.tap("confirm")
			s.see("M15.stepCosign")
		}},
		{"M15", "file", func(s *stage) { mainScreen(s); s.tap("M15.title"); s.see("M15.chooseFile") }},
		{"M15", "chosen", chosen},
		{"M15", "text", func(s *stage) {
			mainScreen(s)
			s.tap("M15.title")
			s.tap("M15.asText")
			s.typed("M15.text", "我已阅读并同意。\nI have read and agree.")
		}},
		{"M15", "result", func(s *stage) { signing(s); s.secret("M13.password", "hosp"); s.tap("confirm"); s.see("M15.verified") }},
		{"M15", "invalid", func(s *stage) {
			s.fake.Fail("Verify", client.ErrBadSignature)
			history(s)
			s.must(s.Tap(s.fake.Records[0].Document))
			s.see("M15.notVerified")
		}},
		{"M15", "history", history},
		{"M15", "empty", func(s *stage) {
			s.fake.Own()
			s.fake.Records = nil
			s.start("M06.functions")
			s.tap("M15.historyTitle")
			s.see("M15.historyEmpty")
		}},
		{"M15", "files", func(s *stage) {
			mainScreen(s)
			s.tap("M15.title")
			s.realFiles()
			s.tap("M15.chooseFile")
			s.must(s.WaitFor(s.ctx, "2026-03"))
		}},
		{"M15", "save", func(s *stage) {
			history(s)
			s.must(s.Tap(s.fake.Records[0].Document))
			s.see("M15.verified")
			s.realFiles()
			s.tap("M15.saveDER")
			s.see("files.saveHere")
			s.must(s.WaitFor(s.ctx, "2026-03"))
		}},
		{"M16", "bound", func(s *stage) { mainScreen(s); s.tap("M16.title"); s.see("M16.boundHere") }},
		{"M16", "elsewhere", func(s *stage) {
			s.fake.Bound.Here = false
			mainScreen(s)
			s.tap("M16.title")
			s.see("M16.boundElsewhere", "device", s.fake.Bound.Device, "time", s.fake.Bound.Since.Local().Format("2006-01-02 15:04"))
		}},
		{"M19", "change", func(s *stage) { mainScreen(s); s.tap("M19.title"); s.see("M19.old") }},
		{"M19", "wrong", func(s *stage) {
			s.fake.Fail("ChangePassword", &client.PasswordError{AttemptsLeft: 2})
			mainScreen(s)
			s.tap("M19.title")
			s.secret("M19.old", "hospital7")
			s.secret("password.new", "clinic42")
			s.secret("password.again", "clinic42")
			s.tap("M19.submit")
			s.must(s.WaitFor(s.ctx, s.ui.N("error.password", 2)))
		}},
		{"M22", "about", func(s *stage) {
			s.fake.Info.WeakStore = true
			mainScreen(s)
			s.tap("M22.title")
			s.see("M22.weakStore")
		}},
		{"M22", "choice", func(s *stage) {
			mainScreen(s)
			s.tap("M22.title")
			s.see("M22.frequency")
			s.tap("M22.frequency")
			s.see("M22.never")
		}},
		{"M22", "offer", func(s *stage) {
			s.fake.Offered = client.Release{
				Version: "1.2.0", Notes: "1. 扫码更快\n2. 修复若干问题", Size: 18_700_000, SHA256: strings.Repeat("3FA4916C", 8),
				URL: "https://ca.hospital.example:8443/app/cloudkey-1.2.0.apk",
			}
			mainScreen(s)
			s.tap("M22.title")
			s.tap("M22.checkNow")
			s.see("M22.later")
		}},
		{"M22", "licences", func(s *stage) { mainScreen(s); s.tap("M22.title"); s.tap("M22.licences"); s.at("M22.licences") }},
		{"M22", "licence", func(s *stage) {
			mainScreen(s)
			s.tap("M22.title")
			s.tap("M22.licences")
			s.must(s.Tap("Noto Sans CJK SC"))
			s.must(s.WaitFor(s.ctx, "SIL OPEN FONT LICENSE"))
		}},
		{"M32", "busy", func(s *stage) {
			s.fake.Fail("Certificates", &client.TrustError{Host: "ca.hospital.example:8443"})
			s.ui.Start(s.ctx)
			s.see("error.startTitle")
		}},
	}
}

func scanner(s *stage) {
	s.start("M01.heading")
	s.typed("M01.account", "10001")
	s.tap("next")
	s.see("M02.choosePicture")
}

func pasted(s *stage) {
	scanner(s)
	s.tap("M02.pasteText")
	s.typed("M02.pasteLabel", "CKINIT1:text")
	s.tap("next")
}

func coded(s *stage) {
	s.fake.Orgs = nil
	pasted(s)
	s.tap("M02.accept")
	s.see("M04.codeHeading")
	s.clock.Advance(5 * time.Second) // the message of the step before has gone
	s.Loop.Run()
}

func enrolled(s *stage) {
	coded(s)
	s.secret("M04.code", "482915")
	s.tap("M04.download")
	s.see("M04.passwordHeading")
}

func protected(s *stage) {
	s.fake.Bound = client.DeviceBinding{}
	enrolled(s)
	s.secret("password.new", "hospital7")
	s.secret("password.again", "hospital7")
	s.tap("M04.passwordSet")
	s.see("M16.heading")
	s.clock.Advance(5 * time.Second)
	s.must(s.Loop.Until(s.ctx, func() bool { return !s.Sees(s.ui.T("loading")) }))
}

func mainScreen(s *stage) {
	s.fake.Own()
	s.start("M06.functions")
}

// sealed is 签章管理 with two seals.
func sealed(s *stage) {
	mainScreen(s)
	holder := s.fake.Certs[0].Holder
	for i, name := range []string{s.ui.T("M18.nameOf", "holder", holder), s.ui.T("M18.name") + " 2"} {
		s.fake.Made = append(s.fake.Made, client.Seal{
			ID: name, Name: name, Personal: true, From: now, Until: s.fake.Certs[0].NotAfter, Default: i == 0,
			Picture: drive.Signature(), Width: 48, Height: 20, Maker: "云密钥测试制章者", DER: []byte{0x30},
		})
	}
	s.tap("M18.title")
}

func certificate(s *stage) {
	mainScreen(s)
	s.tap("M09.title")
	s.see("M09.view")
}

func chosen(s *stage) {
	mainScreen(s)
	s.tap("M15.title")
	name := "手术知情同意书.pdf"
	if s.ui.Words().Tag() == "en" {
		name = "Consent form.pdf"
	}
	s.document(name, "content of the document")
	s.tap("M15.chooseFile")
	s.see("M15.otherFile")
}

func signing(s *stage) {
	chosen(s)
	s.tap("M15.sign")
	s.see("M13.title")
}

func history(s *stage) {
	mainScreen(s)
	s.tap("M15.historyTitle")
	s.must(s.WaitFor(s.ctx, s.fake.Records[2].Document))
}
