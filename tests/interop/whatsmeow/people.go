package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// What people show of themselves, as this client asks for it, shows it and is told of it.

func settingsOf(settings types.PrivacySettings) object {
	return object{"groupadd": settings.GroupAdd, "last": settings.LastSeen, "status": settings.Status, "profile": settings.Profile,
		"readreceipts": settings.ReadReceipts, "calladd": settings.CallAdd, "online": settings.Online}
}

// handlePeople tells what others show, and what changed on another device of the account.
func (p *peer) handlePeople(event any) {
	told := func(name string, who types.JID, line object) {
		line["event"] = name
		line["pn"], line["lid"] = p.people(who, types.EmptyJID)
		emit(line)
	}
	switch e := event.(type) {
	case *events.Presence:
		seen := int64(0)
		if !e.LastSeen.IsZero() {
			seen = e.LastSeen.Unix()
		}
		told("presence", e.From, object{"available": !e.Unavailable, "lastSeen": seen})
	case *events.ChatPresence:
		state := string(e.State)
		if e.Media == types.ChatPresenceMediaAudio {
			state = "recording"
		}
		told("chatstate", e.Sender, object{"chat": e.Chat.String(), "state": state})
	case *events.Picture:
		told("picture", e.JID, object{"removed": e.Remove, "id": e.PictureID})
	case *events.UserAbout:
		told("about", e.JID, object{"about": e.Status})
	case *events.PushName:
		told("name", e.JID, object{"name": e.NewPushName})
	case *events.PushNameSetting:
		emit(object{"event": "own_name", "name": e.Action.GetName()})
	case *events.Contact:
		told("saved", e.JID, object{"name": e.Action.GetFullName()})
	case *events.PrivacySettings:
		emit(object{"event": "privacy", "settings": settingsOf(p.client.GetPrivacySettings(context.Background()))})
	case *events.CallOffer:
		_, video := e.Data.GetOptionalChildByTag("video")
		told("call", e.CallCreator, object{"id": e.CallID, "of": e.CallCreator.String(), "state": "offer", "video": video})
	case *events.CallTerminate:
		told("call", e.CallCreator, object{"id": e.CallID, "of": e.CallCreator.String(), "state": "end", "reason": e.Reason})
	case *events.Blocklist:
		for _, change := range e.Changes {
			told("blocklist", change.JID, object{"action": string(change.Action)})
		}
	}
}

func (p *peer) pictureOf(ctx context.Context, command map[string]string) (object, error) {
	wanted := &whatsmeow.GetProfilePictureParams{Preview: command["preview"] == "yes", ExistingID: command["known"]}
	found, err := p.client.GetProfilePictureInfo(ctx, jidOf(command["of"]), wanted)
	switch {
	case errors.Is(err, whatsmeow.ErrProfilePictureUnauthorized):
		return object{"state": "hidden"}, nil
	case errors.Is(err, whatsmeow.ErrProfilePictureNotSet):
		return object{"state": "none"}, nil
	case err != nil:
		return nil, err
	case found == nil:
		return object{"state": "unchanged"}, nil
	}
	return object{"state": "present", "url": found.URL, "id": found.ID, "type": found.Type, "path": found.DirectPath}, nil
}

// infoOf is what this client asks for in one question: in the order of the people.
func (p *peer) infoOf(ctx context.Context, people []types.JID) ([]object, error) {
	found, err := p.client.GetUserInfo(ctx, people)
	if err != nil {
		return nil, err
	}
	rows := make([]object, len(people))
	for i, who := range people {
		info, known := found[who]
		if !known {
			return nil, fmt.Errorf("nothing was answered of %s", who)
		}
		rows[i] = object{"about": info.Status, "picture": info.PictureID, "lid": info.LID.User, "devices": len(info.Devices)}
	}
	return rows, nil
}

// timerOf asks with the client's own way of asking; it has no function for this one.
func (p *peer) timerOf(ctx context.Context, who types.JID) (object, error) {
	list, err := p.client.DangerousInternals().Usync(ctx, []types.JID{who}, "query", "interactive", []waBinary.Node{{Tag: "disappearing_mode"}})
	if err != nil {
		return nil, err
	}
	user := list.GetChildByTag("user", "disappearing_mode")
	attributes := user.AttrGetter()
	seconds := attributes.Int("duration")
	return object{"seconds": seconds}, attributes.Error()
}

func (p *peer) businessOf(ctx context.Context, who types.JID) (object, error) {
	found, err := p.client.GetBusinessProfile(ctx, who)
	if err != nil {
		return object{"found": false, "why": err.Error()}, nil
	}
	category := ""
	if len(found.Categories) > 0 {
		category = found.Categories[0].Name
	}
	hours := [][4]string{}
	for _, day := range found.BusinessHours {
		hours = append(hours, [4]string{day.DayOfWeek, day.Mode, day.OpenTime, day.CloseTime})
	}
	return object{"found": true, "id": found.JID.String(), "address": found.Address, "email": found.Email, "category": category,
		"timezone": found.BusinessHoursTimeZone, "hours": hours}, nil
}

func usersOf(jids []types.JID) []string {
	users := []string{}
	for _, jid := range jids {
		users = append(users, jid.User)
	}
	sort.Strings(users)
	return users
}

// about runs the commands of people; nil, nil: it is none of them.
func (p *peer) about(ctx context.Context, command map[string]string) (object, error) {
	client := p.client
	switch command["cmd"] {
	case "presence":
		return object{}, client.SendPresence(ctx, types.Presence(command["state"]))
	case "subscribe":
		return object{}, client.SubscribePresence(ctx, jidOf(command["to"]))
	case "typing":
		state, media := types.ChatPresence(command["state"]), types.ChatPresenceMediaText
		if command["state"] == "recording" {
			state, media = types.ChatPresenceComposing, types.ChatPresenceMediaAudio
		}
		return object{}, client.SendChatPresence(ctx, jidOf(command["to"]), state, media)
	case "numbers":
		rows, err := client.IsOnWhatsApp(ctx, strings.Split(command["numbers"], ","))
		found := []types.JID{}
		names := map[string]string{}
		for _, row := range rows {
			if row.IsIn {
				found = append(found, row.JID)
			}
			if row.VerifiedName != nil {
				names[row.JID.User] = row.VerifiedName.Details.GetVerifiedName()
			}
		}
		return object{"found": usersOf(found), "names": names}, err
	case "picture":
		return p.pictureOf(ctx, command)
	case "set_picture":
		jpeg, err := os.ReadFile(command["file"])
		if err != nil {
			return nil, err
		}
		id, err := client.SetGroupPhoto(ctx, types.EmptyJID, jpeg)
		return object{"id": id}, err
	case "remove_picture":
		_, err := client.SetGroupPhoto(ctx, types.EmptyJID, nil)
		return object{}, err
	case "info", "abouts":
		rows, err := p.infoOf(ctx, peopleOf(command["of"]))
		abouts := []any{}
		for _, row := range rows {
			abouts = append(abouts, row["about"])
		}
		return object{"info": rows, "abouts": abouts}, err
	case "set_about":
		return object{}, client.SetStatusMessage(ctx, command["text"])
	case "default_timer":
		return p.timerOf(ctx, jidOf(command["of"]))
	case "set_default_timer":
		seconds, err := strconv.Atoi(command["seconds"])
		if err != nil {
			return nil, err
		}
		return object{}, client.SetDefaultDisappearingTimer(ctx, time.Duration(seconds)*time.Second)
	case "business":
		return p.businessOf(ctx, jidOf(command["of"]))
	case "privacy":
		settings, err := client.TryFetchPrivacySettings(ctx, true)
		if err != nil {
			return nil, err
		}
		return object{"settings": settingsOf(*settings)}, nil
	case "set_privacy":
		_, err := client.SetPrivacySetting(ctx, types.PrivacySettingType(command["name"]), types.PrivacySetting(command["value"]))
		return object{}, err
	case "blocked":
		list, err := client.GetBlocklist(ctx)
		if err != nil {
			return nil, err
		}
		return object{"blocked": usersOf(list.JIDs), "hash": list.DHash}, nil
	case "reject_call":
		return object{}, client.RejectCall(ctx, jidOf(command["of"]), command["id"])
	case "block":
		who := types.NewJID(command["lid"], types.HiddenUserServer)
		list, err := client.UpdateBlocklist(ctx, who, events.BlocklistChangeAction(command["action"]))
		if err != nil {
			return nil, err
		}
		return object{"blocked": usersOf(list.JIDs), "hash": list.DHash}, nil
	case "set_name":
		if err := client.SendAppState(ctx, appstate.BuildSettingPushName(command["name"])); err != nil {
			return nil, err
		}
		return object{}, nil
	case "token":
		// What a contact gave this account to show that it is one, as the client keeps it.
		for _, who := range []types.JID{types.NewJID(command["lid"], types.HiddenUserServer), types.NewJID(command["pn"], types.DefaultUserServer)} {
			kept, err := client.Store.PrivacyTokens.GetPrivacyToken(ctx, who)
			if err != nil {
				return nil, err
			}
			if kept != nil {
				return object{"bytes": len(kept.Token)}, nil
			}
		}
		return object{"bytes": 0}, nil
	}
	return nil, nil
}
