package keystore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// KeyFile keeps platform keys as files of mode 0600 in dir: the fallback where the system offers nothing better. It keeps
// out other users of the machine, not someone who has a copy of the directory.
func KeyFile(dir string) KeyWrapper {
	return &kekWrapper{name: "file", protection: ProtectionFile, keys: keyFiles{dir}}
}

type keyFiles struct{ dir string }

func (f keyFiles) path(id string) string { return filepath.Join(f.dir, "keystore-"+id+".key") }

func (f keyFiles) put(_ context.Context, id string, key []byte) error {
	return writeFile(f.path(id), key)
}

func (f keyFiles) get(_ context.Context, id string) ([]byte, error) {
	file, err := os.Open(f.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %v", ErrKeyLost, err)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKeyUnavailable, err)
	}
	defer file.Close()
	key := make([]byte, storeKeySize+1)
	n, _ := file.Read(key)
	if n != storeKeySize {
		clear(key)
		return nil, fmt.Errorf("%w: %s has a wrong length", ErrKeyLost, f.path(id))
	}
	return key[:n], nil
}

// del overwrites the file before removing it, for file systems that write in place.
func (f keyFiles) del(_ context.Context, id string) error {
	file, err := os.OpenFile(f.path(id), os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return ioError("destroy key file", err)
	}
	noise := make([]byte, storeKeySize)
	_, err = rand.Read(noise)
	if err == nil {
		_, err = file.WriteAt(noise, 0)
	}
	if err == nil {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Remove(f.path(id))
	}
	if err != nil {
		return ioError("destroy key file", err)
	}
	return syncDir(f.dir)
}
