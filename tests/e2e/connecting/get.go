// get URL [DURATION]: by net/http, as it is or with that timeout for the whole dial.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	client := &http.Client{}
	if len(os.Args) > 2 {
		limit, _ := time.ParseDuration(os.Args[2])
		client.Transport = &http.Transport{DialContext: (&net.Dialer{Timeout: limit}).DialContext}
	}
	answer, err := client.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Print(string(body))
}
