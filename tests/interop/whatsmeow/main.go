// The unmodified whatsmeow client as a peer of the interoperability run.
//
// JSON lines on stdin are commands, JSON lines on stdout are their replies and the client's events; the same language as
// ../baileys/peer.mjs, so that one runner drives both. Logs go to stderr.
//
// Environment: PEER_URL (wss), PEER_ROOT (Noise root, hex), PEER_CA (PEM file), PEER_STATE (directory).
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
	"time"

	_ "github.com/mattn/go-sqlite3"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

type object map[string]any

var (
	out   sync.Mutex
	lines = os.Stdout
)

func emit(line object) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	lines.Write(append(text, '\n'))
}

// stderrLog satisfies waLog.Logger; everything goes to the process log.
type stderrLog struct{ name string }

func (l stderrLog) Sub(module string) waLog.Logger { return stderrLog{l.name + "/" + module} }
func (l stderrLog) print(level, text string, args []any) {
	fmt.Fprintf(os.Stderr, "%s %s %s %s\n", time.Now().Format("15:04:05.000"), level, l.name, fmt.Sprintf(text, args...))
}
func (l stderrLog) Warnf(text string, args ...any)  { l.print("WARN", text, args) }
func (l stderrLog) Errorf(text string, args ...any) { l.print("ERROR", text, args) }
func (l stderrLog) Infof(text string, args ...any)  { l.print("INFO", text, args) }
func (l stderrLog) Debugf(text string, args ...any) { l.print("DEBUG", text, args) }

// sandboxTransport sends every TLS connection to the sandbox, whatever host the client's constant URL names. The
// certificate is checked against the sandbox's own authority.
func sandboxTransport(address, caFile string) (*http.Transport, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"},
	}, nil
}

type peer struct {
	client *whatsmeow.Client
	synced chan struct{} // closed when the collection with the push name was read
	once   sync.Once
}

func (p *peer) people(user types.JID, alternate types.JID) (pn, lid string) {
	for _, jid := range []types.JID{user, alternate} {
		if jid.Server == types.HiddenUserServer {
			lid = jid.User
		} else if jid.Server == types.DefaultUserServer {
			pn = jid.User
		}
	}
	if pn == "" && lid != "" {
		if known, err := p.client.Store.LIDs.GetPNForLID(context.Background(), types.NewJID(lid, types.HiddenUserServer)); err == nil {
			pn = known.User
		}
	}
	return pn, lid
}

func (p *peer) handle(event any) {
	switch e := event.(type) {
	case *events.QR:
		emit(object{"event": "qr", "qr": e.Codes[0]})
	case *events.PairSuccess:
		emit(object{"event": "paired", "jid": e.ID.String(), "lid": e.LID.String()})
	case *events.PairError:
		emit(object{"event": "pair_error", "detail": e.Error.Error()})
	case *events.Connected:
		emit(object{"event": "open", "jid": p.client.Store.GetJID().String(), "lid": p.client.Store.GetLID().String()})
	case *events.Disconnected:
		emit(object{"event": "closed", "detail": "disconnected"})
	case *events.StreamReplaced:
		emit(object{"event": "closed", "detail": "replaced"})
	case *events.LoggedOut:
		emit(object{"event": "closed", "detail": "logged out", "status": int(e.Reason)})
	case *events.ConnectFailure:
		emit(object{"event": "closed", "detail": e.Message, "status": int(e.Reason)})
	case *events.AppStateSyncComplete:
		if e.Name == appstate.WAPatchCriticalBlock {
			p.once.Do(func() { close(p.synced) })
		}
	case *events.UndecryptableMessage:
		emit(object{"event": "undecryptable", "id": e.Info.ID})
	case *events.Message:
		text := e.Message.GetConversation()
		if text == "" {
			text = e.Message.GetExtendedTextMessage().GetText()
		}
		if text == "" {
			return
		}
		pn, lid := p.people(e.Info.Sender, e.Info.SenderAlt)
		emit(object{"event": "message", "id": e.Info.ID, "text": text, "fromMe": e.Info.IsFromMe, "pn": pn, "lid": lid,
			"chat": e.Info.Chat.String()})
	case *events.Receipt:
		level := 0
		switch e.Type {
		case types.ReceiptTypeDelivered:
			level = 2
		case types.ReceiptTypeRead:
			level = 3
		}
		if level == 0 {
			return
		}
		pn, lid := p.people(e.Sender, e.SenderAlt)
		for _, id := range e.MessageIDs {
			emit(object{"event": "ack", "id": id, "level": level, "pn": pn, "lid": lid, "device": e.Sender.Device})
		}
	}
}

func (p *peer) run(command map[string]string) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	switch command["cmd"] {
	case "connect":
		return object{}, p.client.Connect()
	case "code":
		code, err := p.client.PairPhone(ctx, command["phone"], true, whatsmeow.PairClientChrome, "Chrome (Linux)")
		return object{"code": strings.ReplaceAll(code, "-", "")}, err
	case "send":
		message := &waE2E.Message{Conversation: proto.String(command["text"])}
		sent, err := p.client.SendMessage(ctx, types.NewJID(command["to"], types.DefaultUserServer), message)
		return object{"id": sent.ID}, err
	case "read":
		chat, err := types.ParseJID(command["chat"])
		if err != nil {
			return nil, err
		}
		return object{}, p.client.MarkRead(ctx, []types.MessageID{command["message"]}, time.Now(), chat, chat)
	case "app_state":
		// The client syncs by itself when the phone's key arrives.
		select {
		case <-p.synced:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		version, _, err := p.client.Store.AppState.GetAppStateVersion(ctx, string(appstate.WAPatchCriticalBlock))
		if err != nil {
			return nil, err
		}
		records := 0
		if p.client.Store.PushName != "" {
			records = 1
		}
		return object{"version": version, "records": records, "pushName": p.client.Store.PushName}, nil
	case "wipe":
		// Through the client's own store: every session it has with that person, under both addresses.
		for _, name := range []string{command["pn"], command["lid"] + "_1"} {
			if err := p.client.Store.Sessions.DeleteAllSessions(ctx, name); err != nil {
				return nil, err
			}
		}
		return object{}, nil
	}
	return nil, fmt.Errorf("unknown command %q", command["cmd"])
}

func start() (*peer, error) {
	address, err := url.Parse(os.Getenv("PEER_URL"))
	if err != nil {
		return nil, err
	}
	root, err := hex.DecodeString(os.Getenv("PEER_ROOT"))
	if err != nil || len(root) != len(whatsmeow.WACertPubKey) {
		return nil, fmt.Errorf("PEER_ROOT must be 64 hex digits")
	}
	copy(whatsmeow.WACertPubKey[:], root)
	transport, err := sandboxTransport(address.Host, os.Getenv("PEER_CA"))
	if err != nil {
		return nil, err
	}
	database := filepath.Join(os.Getenv("PEER_STATE"), "whatsmeow.sqlite")
	ctx := context.Background()
	container, err := sqlstore.New(ctx, "sqlite3", "file:"+database+"?_foreign_keys=on&_busy_timeout=5000", stderrLog{"store"})
	if err != nil {
		return nil, err
	}
	device, err := container.GetFirstDevice(ctx)
	if err != nil {
		return nil, err
	}
	p := &peer{client: whatsmeow.NewClient(device, stderrLog{"client"}), synced: make(chan struct{})}
	p.client.SetWebsocketHTTPClient(&http.Client{Transport: transport})
	p.client.SetPreLoginHTTPClient(&http.Client{Transport: transport})
	p.client.SetMediaHTTPClient(&http.Client{Transport: transport})
	p.client.AddEventHandler(p.handle)
	return p, nil
}

func main() {
	os.Stdout = os.Stderr // a dependency of the client prints there
	p, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(2)
	}
	emit(object{"event": "started", "registered": p.client.Store.ID != nil})
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		command := map[string]string{}
		if err := json.Unmarshal(input.Bytes(), &command); err != nil {
			emit(object{"event": "reply", "ok": false, "error": err.Error()})
			continue
		}
		reply, err := p.run(command)
		if reply == nil {
			reply = object{}
		}
		reply["event"], reply["n"], reply["ok"] = "reply", command["n"], err == nil
		if err != nil {
			reply["error"] = err.Error()
		}
		emit(reply)
	}
	p.client.Disconnect()
}
