package main

import (
	"net"
	"strings"
	"syscall"
)

// bareConnection is a blocking socket that Go's poller knows nothing of.
type bareConnection struct{ descriptor int }

// connectBare connects to an IPv4 address.
func connectBare(address string) *bareConnection {
	to, err := net.ResolveTCPAddr("tcp4", address)
	must(err)
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	must(syscall.Connect(descriptor, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}))
	return &bareConnection{descriptor}
}

// exchange sends a request and reads its answer.
func (c *bareConnection) exchange() {
	_, err := syscall.Write(c.descriptor, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	must(err)
	var buffer [512]byte
	for filled := 0; !strings.HasSuffix(string(buffer[:filled]), "Hello, world!\n"); {
		count, err := syscall.Read(c.descriptor, buffer[filled:])
		must(err)
		if count == 0 {
			fail("the server closed the connection")
		}
		filled += count
	}
}
