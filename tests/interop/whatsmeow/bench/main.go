// Whatsmeow with its SQLite store as a benchmark peer: JSON lines on standard input and output.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"go.mau.fi/whatsmeow"
	waE2E "go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

func tell(event string, more map[string]any) {
	line := map[string]any{"event": event}
	for key, value := range more {
		line[key] = value
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The chat URL is a constant of the library: its transport is pointed at the simulated network instead.
func sandboxClient() *http.Client {
	address, err := url.Parse(os.Getenv("WHARF_CHAT_URL"))
	must(err)
	pem, err := os.ReadFile(os.Getenv("WHARF_CA"))
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, // the sandbox certificate names localhost,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address.Host)
		},
	}}
}

// Each caller sends its next text when SendMessage returned, which is after the server's ack. The milliseconds of each.
func send(client *whatsmeow.Client, number string, count, callers int64) []float64 {
	to := types.NewJID(number, types.DefaultUserServer)
	took := make([]float64, count)
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := next.Add(1) - 1; i < count; i = next.Add(1) - 1 {
				begin := time.Now()
				text := fmt.Sprintf("benchmark text number %d", i)
				_, err := client.SendMessage(context.Background(), to, &waE2E.Message{Conversation: proto.String(text)})
				must(err)
				took[i] = float64(time.Since(begin).Microseconds()) / 1000
			}
		}()
	}
	all.Wait()
	return took
}

func main() {
	ctx := context.Background()
	root, err := hex.DecodeString(os.Getenv("WHARF_NOISE_ROOT"))
	must(err)
	copy(whatsmeow.WACertPubKey[:], root)
	database := "file:" + os.Getenv("WHARF_STORE") + ".sqlite?_foreign_keys=on&_busy_timeout=10000" + os.Getenv("WHARF_STORE_OPTIONS")
	container, err := sqlstore.New(ctx, "sqlite3", database, waLog.Noop)
	must(err)
	device, err := container.GetFirstDevice(ctx)
	must(err)
	client := whatsmeow.NewClient(device, waLog.Noop)
	client.SetWebsocketHTTPClient(sandboxClient())
	client.SetPreLoginHTTPClient(sandboxClient())

	var expected atomic.Int64
	client.AddEventHandler(func(event any) {
		switch event := event.(type) {
		case *events.Connected:
			tell("open", nil)
		case *events.Message:
			if !event.Info.IsFromMe && expected.Load() > 0 && expected.Add(-1) == 0 {
				tell("received", nil)
			}
		}
	})
	codes, err := client.GetQRChannel(ctx)
	must(err)
	must(client.Connect())
	go func() {
		for item := range codes {
			if item.Event == "code" {
				tell("qr", map[string]any{"qr": item.Code})
			}
		}
	}()

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command struct {
			Cmd, To        string
			Count, Callers int64
		}
		must(json.Unmarshal(lines.Bytes(), &command))
		switch command.Cmd {
		case "send":
			tell("sent", map[string]any{"ms": send(client, command.To, command.Count, command.Callers)})
		case "receive":
			expected.Store(command.Count)
			tell("receiving", nil)
		}
	}
}
