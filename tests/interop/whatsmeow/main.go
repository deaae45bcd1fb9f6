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
	"strconv"
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
	files  sync.Map      // id -> withFile, of the messages that came with one
	polls  sync.Map      // id -> *events.Message, of those that came, and []string of the options of all
	texts  sync.Map      // id -> *events.Message, of the texts that came: what is quoted
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
	p.handlePeople(event)
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
	case *events.JoinedGroup:
		emit(object{"event": "group", "group": e.JID.String(), "what": "created", "value": e.Name})
	case *events.GroupInfo:
		p.handleGroup(e)
	case *events.Message:
		p.handleOther(e)
		p.handleFile(e)
		text := e.Message.GetConversation()
		if text == "" {
			text = e.Message.GetExtendedTextMessage().GetText()
		}
		if text == "" {
			return
		}
		pn, lid := p.people(e.Info.Sender, e.Info.SenderAlt)
		p.texts.Store(e.Info.ID, e)
		about := e.Message.GetExtendedTextMessage().GetContextInfo()
		emit(object{"event": "message", "id": e.Info.ID, "text": text, "fromMe": e.Info.IsFromMe, "pn": pn, "lid": lid,
			"expires": about.GetExpiration(), "quoted": about.GetStanzaID(), "mentions": append([]string{}, about.GetMentionedJID()...),
			"chat": e.Info.Chat.String(), "name": e.Info.PushName})
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

// handleOther tells what a message says other than text, in the words of the scenarios.
func (p *peer) handleOther(e *events.Message) {
	said := object{"event": "said", "id": e.Info.ID, "fromMe": e.Info.IsFromMe}
	poll := e.Message.GetPollCreationMessage()
	if poll == nil {
		poll = e.Message.GetPollCreationMessageV3()
	}
	switch m := e.Message; {
	case m.GetLocationMessage() != nil:
		place := m.GetLocationMessage()
		said["kind"], said["text"] = "location", fmt.Sprintf("%v,%v %s", place.GetDegreesLatitude(), place.GetDegreesLongitude(), place.GetName())
	case m.GetContactMessage() != nil:
		said["kind"], said["text"] = "contact", m.GetContactMessage().GetDisplayName()
	case m.GetAlbumMessage() != nil:
		album := m.GetAlbumMessage()
		said["kind"], said["text"] = "album", fmt.Sprintf("%d,%d", album.GetExpectedImageCount(), album.GetExpectedVideoCount())
	case poll != nil:
		options := []string{}
		for _, option := range poll.GetOptions() {
			options = append(options, option.GetOptionName())
		}
		p.polls.Store(e.Info.ID, e)
		p.polls.Store("options "+e.Info.ID, options)
		said["kind"], said["text"], said["options"] = "poll", poll.GetName(), options
	case m.GetReactionMessage() != nil:
		said["kind"], said["target"], said["text"] = "reaction", m.GetReactionMessage().GetKey().GetID(), m.GetReactionMessage().GetText()
	case m.GetPollUpdateMessage() != nil:
		target := m.GetPollUpdateMessage().GetPollCreationMessageKey().GetID()
		vote, err := p.client.DecryptPollVote(context.Background(), e)
		if err != nil {
			emit(object{"event": "said", "kind": "unreadable vote", "target": target, "detail": err.Error()})
			return
		}
		known, _ := p.polls.Load("options " + target)
		names, _ := known.([]string)
		chosen := []string{}
		for _, name := range names {
			for _, hash := range whatsmeow.HashPollOptions([]string{name}) {
				for _, selected := range vote.GetSelectedOptions() {
					if string(hash) == string(selected) {
						chosen = append(chosen, name)
					}
				}
			}
		}
		said["kind"], said["target"], said["options"] = "vote", target, chosen
	case m.GetProtocolMessage().GetType() == waE2E.ProtocolMessage_REVOKE && m.GetProtocolMessage().GetKey() != nil:
		said["kind"], said["target"] = "revoke", m.GetProtocolMessage().GetKey().GetID()
	case m.GetProtocolMessage().GetType() == waE2E.ProtocolMessage_EPHEMERAL_SETTING:
		said["kind"], said["text"] = "timer", fmt.Sprint(m.GetProtocolMessage().GetEphemeralExpiration())
	case m.GetProtocolMessage().GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT:
		edited := m.GetProtocolMessage().GetEditedMessage()
		text := edited.GetConversation()
		if text == "" {
			text = edited.GetExtendedTextMessage().GetText()
		}
		said["kind"], said["target"], said["text"] = "edit", m.GetProtocolMessage().GetKey().GetID(), text
	default:
		return
	}
	emit(said)
}

// say builds and sends a message that is no plain text.
func (p *peer) say(ctx context.Context, command map[string]string) (object, error) {
	chat := jidOf(command["to"])
	own := p.client.Store.GetJID().ToNonAD()
	author := chat
	if command["author"] != "" {
		author = jidOf(command["author"])
	}
	if command["own"] == "yes" {
		author = own
	}
	options := strings.Split(command["options"], "|")
	var message *waE2E.Message
	switch command["kind"] {
	case "location":
		message = &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
			DegreesLatitude: proto.Float64(48.5), DegreesLongitude: proto.Float64(9.25), Name: proto.String(command["text"])}}
	case "contact":
		card := "BEGIN:VCARD\nVERSION:3.0\nFN:" + command["text"] + "\nEND:VCARD"
		message = &waE2E.Message{ContactMessage: &waE2E.ContactMessage{DisplayName: proto.String(command["text"]), Vcard: proto.String(card)}}
	case "album":
		images, videos, _ := strings.Cut(command["text"], ",")
		message = &waE2E.Message{AlbumMessage: &waE2E.AlbumMessage{
			ExpectedImageCount: numberOf(images), ExpectedVideoCount: numberOf(videos)}}
	case "poll":
		message = p.client.BuildPollCreation(command["text"], options, 1)
	case "reaction":
		message = p.client.BuildReaction(chat, author, command["target"], command["text"])
	case "sealed reaction": // to a poll that came
		poll, known := p.polls.Load(command["target"])
		if !known {
			return nil, fmt.Errorf("no poll %s came", command["target"])
		}
		reaction := p.client.BuildReaction(chat, author, command["target"], command["text"]).GetReactionMessage()
		sealed, err := p.client.EncryptReaction(ctx, &poll.(*events.Message).Info, reaction)
		if err != nil {
			return nil, err
		}
		message = &waE2E.Message{EncReactionMessage: sealed}
	case "edit":
		message = p.client.BuildEdit(chat, command["target"], &waE2E.Message{Conversation: proto.String(command["text"])})
	case "revoke":
		message = p.client.BuildRevoke(chat, author, command["target"])
	case "vote":
		poll, known := p.polls.Load(command["target"])
		if !known {
			return nil, fmt.Errorf("no poll %s came", command["target"])
		}
		var err error
		if message, err = p.client.BuildPollVote(ctx, &poll.(*events.Message).Info, options); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown kind %q", command["kind"])
	}
	sent, err := p.client.SendMessage(ctx, chat, message)
	if err == nil && command["kind"] == "poll" {
		p.polls.Store("options "+sent.ID, options)
	}
	return object{"id": sent.ID}, err
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
		seconds, _ := strconv.ParseUint(command["expires"], 10, 32)
		if seconds != 0 || command["quoted"] != "" || command["mentions"] != "" {
			about, err := p.aboutText(command, uint32(seconds))
			if err != nil {
				return nil, err
			}
			message = &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(command["text"]), ContextInfo: about}}
		}
		sent, err := p.client.SendMessage(ctx, jidOf(command["to"]), message)
		return object{"id": sent.ID}, err
	case "say":
		return p.say(ctx, command)
	case "send_file":
		return p.sendFile(command)
	case "load_file":
		return p.loadFile(command)
	case "read":
		chat, err := types.ParseJID(command["chat"])
		if err != nil {
			return nil, err
		}
		author := chat
		if command["author"] != "" {
			author = jidOf(command["author"])
		}
		return object{}, p.client.MarkRead(ctx, []types.MessageID{command["message"]}, time.Now(), chat, author)
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
	if reply, err := p.group(ctx, command); reply != nil || err != nil {
		return reply, err
	}
	if reply, err := p.about(ctx, command); reply != nil || err != nil {
		return reply, err
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
