package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// told is a message to an actor of a crowd; who sent it, and what it says.
type told struct {
	kind, from, color int
}

const (
	meet = iota
	become
	ping
	pong
	end
)

func savinaChameneos(scale Scale) Round {
	const creatures = 100
	meetings := scale.pick(50_000, 2_000)
	complement := func(one, other int) int {
		if one == other {
			return one
		}
		return 3 - one - other
	}
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		var met atomic.Int64
		mall, mailboxes := make(chan told, creatures), make([]chan told, creatures)
		for number := range mailboxes {
			mailboxes[number] = make(chan told, 2)
		}
		for number, mailbox := range mailboxes {
			all.Go(func() {
				for color := number % 3; ; {
					mall <- told{meet, number, color}
					switch answer := <-mailbox; answer.kind {
					case meet:
						color = complement(color, answer.color)
						mailboxes[answer.from] <- told{become, number, color}
					case become:
						color = answer.color
					case end:
						return
					}
					met.Add(1)
				}
			})
		}
		go func() {
			all.Wait()
			close(mall)
		}()
		waiting, left := -1, meetings
		for asking := range mall {
			switch {
			case left == 0:
				mailboxes[asking.from] <- told{end, 0, 0}
			case waiting < 0:
				waiting = asking.from
			default:
				mailboxes[waiting] <- asking
				waiting, left = -1, left-1
			}
		}
		check("the number of creatures that met", uint64(met.Load()), uint64(2*meetings))
		return each(begun, meetings)
	}
}

func savinaBig(scale Scale) Round {
	const actors = 120
	pings := scale.pick(2_000, 50)
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		var pongs atomic.Int64
		done, mailboxes := make(chan struct{}, actors), make([]chan told, actors)
		for number := range mailboxes {
			// A ping of each actor, its own pong and the end.
			mailboxes[number] = make(chan told, actors+2)
		}
		for number, mailbox := range mailboxes {
			all.Go(func() {
				state, got := uint64(number)+1, 0
				next := func() chan<- told {
					state = state*6_364_136_223_846_793_005 + 1_442_695_040_888_963_407
					return mailboxes[(state>>33)%actors]
				}
				next() <- told{ping, number, 0}
				for message := range mailbox {
					switch message.kind {
					case ping:
						mailboxes[message.from] <- told{pong, number, 0}
					case pong:
						if got++; got < pings {
							next() <- told{ping, number, 0}
						} else {
							done <- struct{}{}
						}
					case end:
						pongs.Add(int64(got))
						return
					}
				}
			})
		}
		for range actors {
			<-done
		}
		for _, mailbox := range mailboxes {
			mailbox <- told{end, 0, 0}
		}
		all.Wait()
		check("the number of pongs", uint64(pongs.Load()), uint64(pings*actors))
		return each(begun, pings*actors)
	}
}
