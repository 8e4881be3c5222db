// The work of one cold round by golang.org/x/crypto/ssh: one connection to the bastion, and through it a session with
// every target, whose host key is checked; the script goes in on stdin, what comes out is kept in a file.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

type host struct {
	Name    string
	Host    string
	Port    int
	HostKey string
}

type scene struct {
	Bastion  host
	Targets  []host
	User     string
	Key      string
	Script   string
	Parallel int
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(sceneFile, out string) error {
	var s scene
	text, err := os.ReadFile(sceneFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	pem, err := os.ReadFile(s.Key)
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return err
	}
	script, err := os.ReadFile(s.Script)
	if err != nil {
		return err
	}
	config, err := configOf(s, s.Bastion, key)
	if err != nil {
		return err
	}
	bastion, err := ssh.Dial("tcp", addressOf(s.Bastion), config)
	if err != nil {
		return err
	}
	defer bastion.Close()

	places := make(chan struct{}, s.Parallel)
	errs := make(chan error, len(s.Targets))
	var all sync.WaitGroup
	for _, target := range s.Targets {
		all.Add(1)
		places <- struct{}{}
		go func() {
			defer all.Done()
			defer func() { <-places }()
			if err := probe(s, bastion, target, key, string(script), out); err != nil {
				errs <- fmt.Errorf("%s: %w", target.Name, err)
			}
		}()
	}
	all.Wait()
	close(errs)
	return <-errs
}

func probe(s scene, bastion *ssh.Client, target host, key ssh.Signer, script, out string) error {
	config, err := configOf(s, target, key)
	if err != nil {
		return err
	}
	tunnel, err := bastion.Dial("tcp", addressOf(target))
	if err != nil {
		return err
	}
	conn, channels, requests, err := ssh.NewClientConn(tunnel, addressOf(target), config)
	if err != nil {
		return err
	}
	client := ssh.NewClient(conn, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	session.Stdin = strings.NewReader(script)
	output, err := session.Output("sh")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, target.Name), output, 0o600)
}

func configOf(s scene, to host, key ssh.Signer) (*ssh.ClientConfig, error) {
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(to.HostKey))
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User:              s.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback:   ssh.FixedHostKey(pinned),
		HostKeyAlgorithms: []string{pinned.Type()},
	}, nil
}

func addressOf(to host) string {
	return net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
}
