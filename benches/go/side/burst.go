package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// burst has two bursts of connections made by the client in src/workloads/burst.rs.
func burst(scale Scale) Round {
	const connections, computing = 64, 30_000
	workers, requests := min(scale.workers, runtime.NumCPU()), scale.pick(300, 40)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() {
		for {
			connection, err := listener.Accept()
			must(err)
			go func() {
				defer connection.Close()
				var number [8]byte
				for {
					if _, err := io.ReadFull(connection, number[:]); err != nil {
						return
					}
					binary.LittleEndian.PutUint64(number[:], compute(binary.LittleEndian.Uint64(number[:])+1, computing))
					if _, err := connection.Write(number[:]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return func() []float64 {
		fastest, expected := time.Duration(0), uint64(0)
		for run := range 5 {
			begun, sum := time.Now(), uint64(0)
			for number := range uint64(connections) {
				sum += compute(number+1, computing)
			}
			if took := time.Since(begun); run == 0 || took < fastest {
				fastest = took
			}
			expected = sum * uint64(requests)
		}
		ideal := fastest.Seconds() * float64(requests) / float64(workers)
		var figures []float64
		for range 2 {
			client := exec.Command(os.Getenv("TASKLETS_BENCHES"), "--load", listener.Addr().String(), fmt.Sprint(requests))
			report, err := client.Output()
			must(err)
			var took float64
			var sum uint64
			_, err = fmt.Sscan(string(report), &took, &sum)
			must(err)
			check("the sum of all answers", sum, expected)
			figures = append(figures, took/1e9/ideal)
		}
		return figures
	}
}
