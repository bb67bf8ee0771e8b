// Cloudkey is the cloud-key client (云密钥客户端): the app on Android and on the desktop. On the desktop it is also the
// reference CA (sub-command ca) and a guided first use without a display (sub-command tour).
package main

import "os"

// version is the version of FyneApp.toml; the Makefile sets both.
var version = "0.1.0"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
