package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// Files as this client sends and loads them: everything that touches bytes or keys is its own function.

const fileTime = 10 * time.Minute // the largest is 100 MiB

// withFile is what the messages with a file have in common.
type withFile interface {
	whatsmeow.DownloadableMessage
	GetMimetype() string
	GetFileLength() uint64
}

// fileOf finds the file of a message and what kind it is of, in the words of the scenarios.
func fileOf(m *waE2E.Message) (string, withFile) {
	switch {
	case m.GetImageMessage() != nil:
		return "image", m.GetImageMessage()
	case m.GetVideoMessage().GetGifPlayback():
		return "gif", m.GetVideoMessage()
	case m.GetVideoMessage() != nil:
		return "video", m.GetVideoMessage()
	case m.GetPtvMessage() != nil:
		return "video_note", m.GetPtvMessage()
	case m.GetAudioMessage().GetPTT():
		return "voice", m.GetAudioMessage()
	case m.GetAudioMessage() != nil:
		return "audio", m.GetAudioMessage()
	case m.GetDocumentMessage() != nil:
		return "document", m.GetDocumentMessage()
	case m.GetStickerMessage() != nil:
		return "sticker", m.GetStickerMessage()
	}
	return "", nil
}

// handleFile tells what a message that came says of its file.
func (p *peer) handleFile(e *events.Message) {
	kind, file := fileOf(e.Message)
	if file == nil || e.Info.IsFromMe {
		return
	}
	p.files.Store(e.Info.ID, file)
	told := object{"event": "file", "id": e.Info.ID, "kind": kind, "mimetype": file.GetMimetype(),
		"size": file.GetFileLength(), "sha256": hex.EncodeToString(file.GetFileSHA256()), "caption": "", "filename": "",
		"seconds": 0, "width": 0, "height": 0, "waveform": 0, "preview": false, "viewOnce": false,
		"album":   e.Message.GetMessageContextInfo().GetMessageAssociation().GetParentMessageKey().GetID(),
		"wrapped": e.IsViewOnce || e.IsViewOnceV2 || e.IsViewOnceV2Extension}
	if m, ok := file.(interface{ GetCaption() string }); ok {
		told["caption"] = m.GetCaption()
	}
	if m, ok := file.(interface{ GetFileName() string }); ok {
		told["filename"] = m.GetFileName()
	}
	if m, ok := file.(interface{ GetSeconds() uint32 }); ok {
		told["seconds"] = m.GetSeconds()
	}
	if m, ok := file.(interface {
		GetWidth() uint32
		GetHeight() uint32
	}); ok {
		told["width"], told["height"] = m.GetWidth(), m.GetHeight()
	}
	if m, ok := file.(interface{ GetWaveform() []byte }); ok {
		told["waveform"] = len(m.GetWaveform())
	}
	if m, ok := file.(interface{ GetJPEGThumbnail() []byte }); ok {
		preview := m.GetJPEGThumbnail()
		told["preview"] = len(preview) > 2 && preview[0] == 0xff && preview[1] == 0xd8
	}
	if m, ok := file.(interface{ GetViewOnce() bool }); ok {
		told["viewOnce"] = m.GetViewOnce()
	}
	emit(told)
}

// loadFile downloads the file of a message that came; the client itself compares both hashes, the MAC and the length.
func (p *peer) loadFile(command map[string]string) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fileTime)
	defer cancel()
	found, known := p.files.Load(command["message"])
	if !known {
		return nil, fmt.Errorf("no file came with %s", command["message"])
	}
	file := found.(withFile)
	if command["fromDisk"] != "yes" {
		data, err := p.client.Download(ctx, file)
		hash := sha256.Sum256(data)
		return object{"sha256": hex.EncodeToString(hash[:]), "size": len(data)}, err
	}
	loaded, err := os.Create(filepath.Join(os.Getenv("PEER_STATE"), "loaded"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(loaded.Name())
	defer loaded.Close()
	if err = p.client.DownloadToFile(ctx, file, loaded); err != nil {
		return nil, err
	}
	if _, err = loaded.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	hash := sha256.New()
	size, err := io.Copy(hash, loaded)
	return object{"sha256": hex.EncodeToString(hash.Sum(nil)), "size": size}, err
}

func (p *peer) upload(ctx context.Context, command map[string]string, as whatsmeow.MediaType) (whatsmeow.UploadResponse, error) {
	if command["fromDisk"] == "yes" {
		file, err := os.Open(command["file"])
		if err != nil {
			return whatsmeow.UploadResponse{}, err
		}
		defer file.Close()
		return p.client.UploadReader(ctx, file, nil, as)
	}
	data, err := os.ReadFile(command["file"])
	if err != nil {
		return whatsmeow.UploadResponse{}, err
	}
	return p.client.Upload(ctx, data, as)
}

func numberOf(text string) *uint32 {
	if value, err := strconv.ParseUint(text, 10, 32); err == nil {
		return proto.Uint32(uint32(value))
	}
	return nil
}

func textOf(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// sendFile uploads a file and sends its message; what the message says of the file comes with the command.
func (p *peer) sendFile(command map[string]string) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fileTime)
	defer cancel()
	kind := command["kind"]
	as, known := map[string]whatsmeow.MediaType{"image": whatsmeow.MediaImage, "sticker": whatsmeow.MediaImage,
		"video": whatsmeow.MediaVideo, "gif": whatsmeow.MediaVideo, "video_note": whatsmeow.MediaVideo,
		"audio": whatsmeow.MediaAudio, "voice": whatsmeow.MediaAudio, "document": whatsmeow.MediaDocument}[kind]
	if !known {
		return nil, fmt.Errorf("unknown kind %q", kind)
	}
	up, err := p.upload(ctx, command, as)
	if err != nil {
		return nil, err
	}
	mimetype, caption := textOf(command["mimetype"]), textOf(command["caption"])
	seconds, width, height := numberOf(command["seconds"]), numberOf(command["width"]), numberOf(command["height"])
	viewOnce := command["viewOnce"] == "yes"
	message := &waE2E.Message{}
	switch kind {
	case "image":
		message.ImageMessage = &waE2E.ImageMessage{Mimetype: mimetype, Caption: caption, Width: width, Height: height,
			ViewOnce: &viewOnce, URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
			FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}
	case "sticker":
		message.StickerMessage = &waE2E.StickerMessage{Mimetype: mimetype, Width: width, Height: height, URL: &up.URL,
			DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256,
			FileSHA256: up.FileSHA256, FileLength: &up.FileLength}
	case "audio", "voice":
		message.AudioMessage = &waE2E.AudioMessage{Mimetype: mimetype, Seconds: seconds, PTT: proto.Bool(kind == "voice"),
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256,
			FileSHA256: up.FileSHA256, FileLength: &up.FileLength}
	case "document":
		message.DocumentMessage = &waE2E.DocumentMessage{Mimetype: mimetype, Caption: caption,
			FileName: textOf(command["filename"]), URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
			FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}
	default:
		video := &waE2E.VideoMessage{Mimetype: mimetype, Caption: caption, Seconds: seconds, Width: width,
			Height: height, GifPlayback: proto.Bool(kind == "gif"), URL: &up.URL, DirectPath: &up.DirectPath,
			MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}
		if kind == "video_note" {
			message.PtvMessage = video
		} else {
			message.VideoMessage = video
		}
	}
	if album := command["album"]; album != "" {
		parent := p.client.BuildMessageKey(jidOf(command["to"]), p.client.Store.GetJID().ToNonAD(), album)
		message.MessageContextInfo = &waE2E.MessageContextInfo{MessageAssociation: &waE2E.MessageAssociation{
			AssociationType: waE2E.MessageAssociation_MEDIA_ALBUM.Enum(), ParentMessageKey: parent}}
	}
	if viewOnce {
		message = &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: message}}
	}
	sent, err := p.client.SendMessage(ctx, jidOf(command["to"]), message)
	return object{"id": sent.ID}, err
}
