// Says hello from a goroutine.
package main

import "fmt"

func main() {
	done := make(chan struct{})
	go func() {
		fmt.Println("hello")
		close(done)
	}()
	<-done
}
