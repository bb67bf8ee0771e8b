package ui_test

import (
	"strings"
	"testing"

	"cloudkey/client"
	"cloudkey/ui/drive"
)

func TestM18_MakeChooseDelete(t *testing.T) {
	a := start(t, owned)
	a.tap("签章管理")
	a.see("还没有印章")
	a.tap("制作个人印章")
	a.see("还没有手写签名")
	a.fake.Drawn = client.Ink{PNG: drive.Signature()}
	a.ui.Back()
	a.tap("制作个人印章")
	a.typed("印章名称", " ")
	a.tap("制作")
	a.see("请填写印章名称")
	a.typed("印章名称", strings.Repeat("章", 33))
	a.tap("制作")
	a.see("最多 32 个字，不能有换行")
	a.typed("印章名称", "处方章")
	a.tap("制作")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("印章已制作")
	a.page("签章管理")
	a.see("处方章")
	a.sees(true, "默认")
	a.fake.Made = append(a.fake.Made, client.Seal{ID: "2", Name: "病历章", Until: a.clock.Now(), DER: []byte("DER")})
	a.ui.Back()
	a.tap("签章管理")
	a.see("病历章")
	a.sees(true, "已过期")
	a.tap("病历章")
	a.see("单位印章")
	a.tap("保存印章文件")
	a.see("已保存 seal.esl")
	a.tap("设为默认")
	a.see("已设为默认印章")
	a.tap("处方章")
	a.tap("删除印章")
	a.see("删除“处方章”？")
	a.never("DeleteSeal")
	a.tap("删除印章")
	a.see("印章已删除")
	a.page("签章管理")
	a.within("one seal left", func() bool { return !a.Sees("处方章") && a.Sees("病历章") })
}
