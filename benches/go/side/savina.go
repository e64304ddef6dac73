package main

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

func savinaPingPong(scale Scale) Round {
	pings := scale.pick(40_000, 4_000)
	return func() []float64 {
		begun := time.Now()
		var actors sync.WaitGroup
		ping, pong := make(chan int, 1), make(chan int, 1)
		actors.Go(func() {
			for number := range ping {
				pong <- number
			}
		})
		sum := 0
		actors.Go(func() {
			for number := range pings {
				ping <- number
				sum += <-pong
			}
			close(ping)
		})
		actors.Wait()
		check("the sum", uint64(sum), uint64(pings*(pings-1)/2))
		return each(begun, pings)
	}
}

func savinaCounting(scale Scale) Round {
	messages := scale.pick(1_000_000, 50_000)
	return func() []float64 {
		begun := time.Now()
		var actors sync.WaitGroup
		notes, count := make(chan struct{}, messages), 0
		actors.Go(func() {
			for range notes {
				count++
			}
		})
		actors.Go(func() {
			for range messages {
				notes <- struct{}{}
			}
			close(notes)
		})
		actors.Wait()
		check("the count", uint64(count), uint64(messages))
		return each(begun, messages)
	}
}

var theta, product = 37.2, atomic.Uint64{}

// fork makes actors and sends each so many messages, one to each in turn.
func fork(actors, messages int) Round {
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		var received atomic.Int64
		mailboxes := make([]chan struct{}, actors)
		for actor := range mailboxes {
			mailbox := make(chan struct{}, messages)
			mailboxes[actor] = mailbox
			all.Go(func() {
				last := 0.0
				for range messages {
					<-mailbox
					last = theta * math.Sin(theta)
				}
				product.Store(math.Float64bits(last))
				received.Add(int64(messages))
			})
		}
		for range messages {
			for _, mailbox := range mailboxes {
				mailbox <- struct{}{}
			}
		}
		all.Wait()
		check("the number of messages", uint64(received.Load()), uint64(actors*messages))
		return each(begun, actors*messages)
	}
}

func savinaForkCreate(scale Scale) Round     { return fork(scale.pick(40_000, 2_000), 1) }
func savinaForkThroughput(scale Scale) Round { return fork(60, scale.pick(2_000, 100)) }

func savinaThreadRing(scale Scale) Round {
	hops := scale.pick(100_000, 10_000)
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		var seen atomic.Int64
		mailboxes := make([]chan int, 100)
		for actor := range mailboxes {
			mailboxes[actor] = make(chan int, 1)
		}
		for actor, mailbox := range mailboxes {
			next := mailboxes[(actor+1)%len(mailboxes)]
			all.Go(func() {
				for left := range mailbox {
					if left == 0 {
						break
					}
					seen.Add(1)
					next <- left - 1
				}
				next <- 0
			})
		}
		mailboxes[0] <- hops
		all.Wait()
		check("the number of hops", uint64(seen.Load()), uint64(hops))
		return each(begun, hops)
	}
}

func savinaBoundedBuffer(scale Scale) Round {
	items := scale.pick(1_000, 50)
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		var sum, expected atomic.Uint64
		buffer := make(chan uint64, 50)
		for range 40 {
			all.Go(func() {
				for item := range items {
					buffer <- compute(uint64(item), 25)
				}
			})
			all.Go(func() {
				own := uint64(0)
				for range items {
					own += compute(<-buffer, 25)
				}
				sum.Add(own)
			})
		}
		all.Wait()
		took := each(begun, items*40)
		for item := range items {
			expected.Add(40 * compute(compute(uint64(item), 25), 25))
		}
		check("the sum", sum.Load(), expected.Load())
		return took
	}
}

// wish is what a philosopher tells the arbitrator.
type wish struct {
	philosopher int
	done        bool
}

func savinaPhilosophers(scale Scale) Round {
	const count = 20
	meals := scale.pick(1_000, 50)
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		wishes, answers := make(chan wish, 2*count), make([]chan bool, count)
		for number := range answers {
			answer := make(chan bool, 1)
			answers[number] = answer
			all.Go(func() {
				for range meals {
					wishes <- wish{number, false}
					for !<-answer {
						wishes <- wish{number, false}
					}
					wishes <- wish{number, true}
				}
			})
		}
		go func() {
			all.Wait()
			close(wishes)
		}()
		var taken [count]bool
		eaten := 0
		for told := range wishes {
			left, right := told.philosopher, (told.philosopher+1)%count
			if told.done {
				taken[left], taken[right] = false, false
				eaten++
				continue
			}
			free := !taken[left] && !taken[right]
			if free {
				taken[left], taken[right] = true, true
			}
			answers[told.philosopher] <- free
		}
		check("the number of meals", uint64(eaten), uint64(meals*count))
		return each(begun, eaten)
	}
}
