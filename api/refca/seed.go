package refca

import (
	"context"
	"errors"
	"strings"

	"cloudkey/api/refca/internal/store"
)

// Account is a member of the organisation.
type Account struct {
	ID           string // 用户 ID / 工号
	Holder       string // name of the person
	Unit         string // department, may be empty
	Phone        string // digits
	MayAuthorize bool   // may let other accounts sign with their certificate
}

// demoOrganisation is the organisation that tests, the tour and the desktop demo use. The numbers belong to no one:
// they are of the form of Chinese mobile numbers with a fictitious subscriber part.
func demoOrganisation() (Organisation, []account) {
	return Organisation{ID: "demo-hospital", Name: "示范医院", Hotline: "400-000-0000"}, []account{
		{ID: "10001", Holder: "张伟", Unit: "心内科", Phone: "13800000001", MayAuthorize: true},
		{ID: "10002", Holder: "李娜", Unit: "护理部", Phone: "13800000002"},
		{ID: "10003", Holder: "王芳", Unit: "药剂科", Phone: "13800000003"},
		{ID: "10004", Holder: "欧阳明轩", Unit: "放射科", Phone: "13800000004"},
	}
}

// AddAccount adds a member, or changes name, unit and phone of one.
func (s *Server) AddAccount(ctx context.Context, a Account) error {
	if !accountForm(a.ID) || !displayName(a.Holder) || a.Unit != "" && !displayName(a.Unit) || len(a.Phone) < 8 ||
		len(a.Phone) > 20 || strings.Trim(a.Phone, "0123456789") != "" {
		return errors.New("refca: account")
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		who, _, err := accounts.get(tx, a.ID)
		if err != nil {
			return err
		}
		who.ID, who.Holder, who.Unit, who.Phone, who.MayAuthorize = a.ID, a.Holder, a.Unit, a.Phone, a.MayAuthorize
		return errors.Join(
			accounts.put(tx, a.ID, who),
			record(tx, auditEntry{Event: "addAccount", Result: "ok", Account: a.ID, Time: s.now()}),
		)
	})
}
