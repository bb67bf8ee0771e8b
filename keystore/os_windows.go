package keystore

import (
	"syscall"

	"golang.org/x/sys/windows"
)

var (
	diskFullErrors = []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
	readOnlyErrors = []syscall.Errno{windows.ERROR_WRITE_PROTECT, windows.ERROR_ACCESS_DENIED}
)

const syncsDirectories = false
