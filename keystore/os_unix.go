//go:build unix

package keystore

import "syscall"

var (
	diskFullErrors = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	readOnlyErrors = []syscall.Errno{syscall.EROFS, syscall.EACCES, syscall.EPERM}
)

const syncsDirectories = true
