package ui_test

import (
	"os"
	"path/filepath"
	"testing"

	"cloudkey/ui"
)

func withFiles(t *testing.T, folder string) *app {
	t.Helper()
	a := buildWith(t, "zh", func(d *ui.Deps) { d.Files, d.StartFolder = nil, folder })
	owned(a.fake)
	a.ui.Start(t.Context())
	return a
}

func TestM15_FilesAreChosenFromFolders(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "docs", ".hidden"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"docs/知情同意书.pdf": "content", "docs/b.txt": "other", "c.txt": "c"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := withFiles(t, dir)
	a.tap("协同签名")
	a.tap("选择文件")
	a.see("c.txt")
	a.tap("docs")
	a.see("知情同意书.pdf")
	a.sees(false, ".hidden")
	a.tap("上级文件夹")
	a.see("c.txt")
	a.ui.Back() // giving up chooses nothing
	a.page("协同签名")
	if a.Enabled("签名") {
		t.Error("a file is chosen")
	}
	a.tap("选择文件")
	a.tap("docs")
	a.tap("知情同意书.pdf")
	a.page("协同签名")
	a.see("知情同意书.pdf")
	a.tap("签名")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("签名有效")
	a.tap("保存签名值 (DER)")
	a.page("保存文件")
	a.typed("文件名", "a/b")
	a.tap("保存到此处")
	a.see("文件名中不能有 /")
	a.typed("文件名", "b.txt")
	a.tap("保存到此处")
	a.see("“b.txt”已存在")
	a.tap("替换")
	a.see("已保存 b.txt")
	a.page("签名结果")
	if b, err := os.ReadFile(filepath.Join(dir, "docs", "b.txt")); err != nil || string(b) != "signature" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestM32_UnreadableFolderSaysSo(t *testing.T) {
	a := withFiles(t, filepath.Join(t.TempDir(), "missing"))
	a.tap("协同签名")
	a.tap("选择文件")
	a.see("找不到该文件或文件夹")
	a.tap("上级文件夹")
	a.see("此文件夹中没有可选的文件")
}

func TestM15_FyneDialogsAreGivenUp(t *testing.T) {
	a := build(t, "zh")
	files := ui.NewFileDialogs(a.Window, t.TempDir())
	calls := 0
	opened := func(f *ui.File, err error) {
		calls++
		if f != nil || err != nil {
			t.Errorf("gave up: %v, %v", f, err)
		}
	}
	for _, open := range []func(){
		func() { files.OpenFile(opened) },
		func() { files.OpenPicture(opened) },
		func() {
			files.SaveFile("x", func(target *ui.Target, err error) {
				calls++
				if target != nil || err != nil {
					t.Errorf("gave up: %v, %v", target, err)
				}
			})
		},
	} {
		calls = 0
		open()
		if !files.Dismiss() || files.Dismiss() {
			t.Error("Dismiss does not tell whether there was a dialog")
		}
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	}
}
