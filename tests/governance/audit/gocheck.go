// Checks an exported folder with Go's own note and tlog packages:
// gocheck FOLDER KEY INDEX verifies the checkpoint, and that entry INDEX is in its tree.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// entries reads all entries of the folder, in order.
func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		name := fmt.Sprintf("tile/entries/%03d", n)
		if width := size - n*256; width < 256 {
			name += fmt.Sprintf(".p/%d", width)
		}
		data, err := os.ReadFile(filepath.Join(folder, name))
		check(err)
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	return all
}

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	signed, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)

	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, hashes[index])
		}
		return found, nil
	})
	all := entries(os.Args[1], size)
	for at, entry := range all {
		more, err := tlog.StoredHashes(int64(at), entry, reader)
		check(err)
		hashes = append(hashes, more...)
	}
	computed, err := tlog.TreeHash(size, reader)
	check(err)
	if string(computed[:]) != string(root) {
		check(fmt.Errorf("the entries don't give the root of the checkpoint"))
	}
	index, err := strconv.ParseInt(os.Args[3], 10, 64)
	check(err)
	proof, err := tlog.ProveRecord(size, index, reader)
	check(err)
	check(tlog.CheckRecord(proof, size, computed, index, tlog.RecordHash(all[index])))
	for _, hash := range proof {
		fmt.Println(base64.StdEncoding.EncodeToString(hash[:]))
	}
}
