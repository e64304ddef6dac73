package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// serve starts a hello server as net/http has it and returns its address.
func serve() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	hello := func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(answer, "Hello, world!\n")
	}
	go func() { must(http.Serve(listener, http.HandlerFunc(hello))) }()
	return listener.Addr().String()
}

// loaded has the server loaded by wrk with these further arguments.
func loaded(scale Scale, arguments ...string) Round {
	address, seconds := serve(), scale.pick(3, 1)
	arguments = append([]string{"-t1", "-c64", fmt.Sprintf("-d%ds", seconds)}, arguments...)
	arguments = append(arguments, "http://"+address+"/")
	return func() []float64 {
		before := cpuSeconds()
		report, err := exec.Command("wrk", arguments...).Output()
		spent := cpuSeconds() - before
		must(err)
		for line := range strings.Lines(string(report)) {
			if strings.Contains(line, "errors:") || strings.Contains(line, "Non-2xx") {
				fail("wrk: " + line)
			}
			var requests, took float64
			if _, err := fmt.Sscanf(line, "%f requests in %fs", &requests, &took); err == nil && requests > 0 {
				return []float64{spent * 1e6 / requests, requests / took}
			}
		}
		fail("wrk answered nothing that is understood")
		return nil
	}
}

func httpKeepAlive(scale Scale) Round { return loaded(scale) }
func httpChurn(scale Scale) Round     { return loaded(scale, "-H", "Connection: close") }

func httpIdle(scale Scale) Round {
	address, count := serve(), scale.pick(5_000, 400)
	settle := func() { time.Sleep(300 * time.Millisecond) }
	// The connections are made by bare descriptors, so that the client's side costs nothing that is counted.
	return func() []float64 {
		connections := make([]*bareConnection, count)
		settle()
		before := resident()
		for index := range connections {
			connections[index] = connectBare(address)
		}
		settle()
		fresh := resident() - before
		for _, connection := range connections {
			connection.exchange()
		}
		settle()
		used := resident() - before
		return []float64{fresh / float64(count), used / float64(count)}
	}
}
