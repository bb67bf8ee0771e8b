module cloudkey

go 1.26.0

require (
	filippo.io/bigmod v0.1.0
	fyne.io/fyne/v2 v2.8.1
	github.com/cenkalti/backoff/v5 v5.0.3
	github.com/emmansun/gmsm v0.44.1
	github.com/google/uuid v1.6.0
	github.com/makiuchi-d/gozxing v0.1.1
	github.com/tjfoc/gmsm v1.4.1
	github.com/zalando/go-keyring v0.2.8
	go.etcd.io/bbolt v1.5.0
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
	software.sslmate.com/src/go-pkcs12 v0.7.4
)

require (
	github.com/danieljoos/wincred v1.2.3 // indirect
	github.com/godbus/dbus/v5 v5.2.2 // indirect
)
