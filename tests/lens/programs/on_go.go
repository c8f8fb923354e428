// Go, static: prints how long each way of waiting lasted, by its own clock.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func sleep(span time.Duration) { time.Sleep(span) }

func interval(span time.Duration) {
	ticker := time.NewTicker(span / 5)
	defer ticker.Stop()
	for k := 0; k < 5; k++ {
		<-ticker.C
	}
}

func poll(span time.Duration) {
	left := syscall.NsecToTimeval(span.Nanoseconds())
	syscall.Select(0, nil, nil, nil, &left)
}

func condition(span time.Duration) {
	var lock sync.Mutex
	woken := sync.NewCond(&lock)
	time.AfterFunc(span, woken.Broadcast)
	lock.Lock()
	woken.Wait()
	lock.Unlock()
}

func deadline(span time.Duration) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	there, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer there.Close()
	there.SetReadDeadline(time.Now().Add(span))
	there.Read(make([]byte, 1))
}

func main() {
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	long := time.Duration(seconds * 1e9)
	for _, way := range []struct {
		name string
		wait func(time.Duration)
	}{
		{"sleep", sleep}, {"interval", interval}, {"poll timeout", poll},
		{"condition wait", condition}, {"read deadline", deadline},
	} {
		way.wait(long / 50) // so that nothing is done for the first time
		began := time.Now()
		way.wait(long)
		fmt.Println("lasted", time.Since(began).Seconds(), way.name)
	}
	fmt.Println("calendar", float64(time.Now().UnixNano())/1e9)
}
