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
	"path/filepath"
	"strings"
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
// chat: a number, or the JID of a group.
func send(client *whatsmeow.Client, chat string, count, callers int64) []float64 {
	to := types.NewJID(chat, types.DefaultUserServer)
	if strings.Contains(chat, "@") {
		var err error
		to, err = types.ParseJID(chat)
		must(err)
	}
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

// atOnce runs work(0) to work(count-1), each in its goroutine.
func atOnce(count int, work func(int)) {
	var all sync.WaitGroup
	for i := range count {
		all.Add(1)
		go func() {
			defer all.Done()
			work(i)
		}()
	}
	all.Wait()
}

// upload sends each file as a document, all at once, read as a stream; it returns after the server's acks.
func upload(client *whatsmeow.Client, number string, files []string) {
	ctx := context.Background()
	atOnce(len(files), func(i int) {
		file, err := os.Open(files[i])
		must(err)
		defer file.Close()
		up, err := client.UploadReader(ctx, file, nil, whatsmeow.MediaDocument)
		must(err)
		_, err = client.SendMessage(ctx, types.NewJID(number, types.DefaultUserServer), &waE2E.Message{
			DocumentMessage: &waE2E.DocumentMessage{Mimetype: proto.String("application/octet-stream"),
				FileName: proto.String(filepath.Base(files[i])), URL: &up.URL, DirectPath: &up.DirectPath,
				MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}})
		must(err)
	})
}

// load writes the files of messages that came, all at once, as directory/id.
func load(client *whatsmeow.Client, withFiles *sync.Map, ids []string, directory string) {
	atOnce(len(ids), func(i int) {
		found, known := withFiles.Load(ids[i])
		if !known {
			must(fmt.Errorf("no document came with %s", ids[i]))
		}
		file, err := os.Create(filepath.Join(directory, ids[i]))
		must(err)
		defer file.Close()
		must(client.DownloadToFile(context.Background(), found.(*waE2E.DocumentMessage), file))
	})
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
	client.SetMediaHTTPClient(sandboxClient())

	var expected atomic.Int64
	var withFiles sync.Map // message id -> *waE2E.DocumentMessage, of the documents that came
	client.AddEventHandler(func(event any) {
		switch event := event.(type) {
		case *events.Connected:
			tell("open", nil)
		case *events.Message:
			if document := event.Message.GetDocumentMessage(); document != nil && !event.Info.IsFromMe {
				withFiles.Store(event.Info.ID, document)
			}
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
			Cmd, To, Directory string
			Count, Callers     int64
			Files, Ids         []string
		}
		must(json.Unmarshal(lines.Bytes(), &command))
		switch command.Cmd {
		case "send":
			tell("sent", map[string]any{"ms": send(client, command.To, command.Count, command.Callers)})
		case "upload":
			upload(client, command.To, command.Files)
			tell("uploaded", nil)
		case "load":
			load(client, &withFiles, command.Ids, command.Directory)
			tell("loaded", nil)
		case "receive":
			expected.Store(command.Count)
			tell("receiving", nil)
		}
	}
}
