package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// Groups as this client makes, changes and reads them: every request and every reading of an answer is its own function.

// jidOf reads a number, or a JID of anybody.
func jidOf(text string) types.JID {
	if strings.Contains(text, "@") {
		if jid, err := types.ParseJID(text); err == nil {
			return jid
		}
	}
	return types.NewJID(text, types.DefaultUserServer)
}

func peopleOf(text string) []types.JID {
	people := []types.JID{}
	for _, one := range strings.Split(text, ",") {
		if one != "" {
			people = append(people, jidOf(one))
		}
	}
	return people
}

// shown is the metadata in the words of the scenarios; people by the name that the group itself gives them.
func shown(group *types.GroupInfo) object {
	members := make([][2]string, 0, len(group.Participants))
	for _, one := range group.Participants {
		role := "member"
		if one.IsSuperAdmin {
			role = "superadmin"
		} else if one.IsAdmin {
			role = "admin"
		}
		members = append(members, [2]string{one.JID.User, role})
	}
	sort.Slice(members, func(i, j int) bool { return members[i][0] < members[j][0] })
	community := ""
	if !group.LinkedParentJID.IsEmpty() {
		community = group.LinkedParentJID.String()
	}
	return object{"group": group.JID.String(), "subject": group.Name, "description": group.Topic, "mode": string(group.AddressingMode),
		"announce": group.IsAnnounce, "locked": group.IsLocked, "approval": group.IsJoinApprovalRequired,
		"membersAdd": group.MemberAddMode == types.GroupMemberAddModeAllMember, "disappearing": group.DisappearingTimer,
		"community": community, "size": group.ParticipantCount, "members": members}
}

func codes(rows []types.GroupParticipant) object {
	out := make([]int, len(rows))
	for i, row := range rows {
		out[i] = 200
		if row.Error != 0 {
			out[i] = row.Error
		}
	}
	return object{"codes": out}
}

// handleGroup tells what a group says of itself.
func (p *peer) handleGroup(e *events.GroupInfo) {
	tell := func(what string, value any) {
		emit(object{"event": "group", "group": e.JID.String(), "what": what, "value": value})
	}
	if e.Name != nil {
		tell("subject", e.Name.Name)
	}
	if e.Topic != nil {
		tell("description", e.Topic.Topic)
	}
	if e.Announce != nil {
		tell("announce", e.Announce.IsAnnounce)
	}
	if e.Locked != nil {
		tell("locked", e.Locked.IsLocked)
	}
	if e.Ephemeral != nil {
		tell("disappearing", e.Ephemeral.DisappearingTimer)
	}
	if e.MembershipApprovalMode != nil {
		tell("approval", nil) // this client does not say which
	}
	if e.NewInviteLink != nil {
		tell("link", strings.TrimPrefix(*e.NewInviteLink, whatsmeow.InviteLinkPrefix))
	}
	if e.Link != nil {
		tell("linked", e.Link.Group.JID.String())
	}
	if e.Unlink != nil {
		tell("unlinked", e.Unlink.Group.JID.String())
	}
	for what, people := range map[string][]types.JID{"add": e.Join, "remove": e.Leave, "promote": e.Promote, "demote": e.Demote} {
		for _, one := range people {
			tell(what, one.User)
		}
	}
	for _, change := range e.UnknownChanges {
		switch change.Tag {
		case "member_add_mode":
			mode, _ := change.Content.([]byte)
			tell("membersAdd", string(mode) == string(types.GroupMemberAddModeAllMember))
		case "created_membership_requests", "revoked_membership_requests":
			said := object{"event": "group", "group": e.JID.String(), "what": "request", "value": "created"}
			if change.Tag == "revoked_membership_requests" {
				said["value"] = "rejected"
			}
			for _, child := range change.GetChildren() {
				who, _ := child.Attrs["jid"].(types.JID)
				if e.Sender != nil && change.Tag == "revoked_membership_requests" && who.User == e.Sender.User {
					said["value"] = "revoked"
				}
				number, _ := child.Attrs["phone_number"].(types.JID)
				if who.Server == types.DefaultUserServer {
					number = who
				} else {
					said["lid"] = who.User
				}
				said["pn"] = number.User
			}
			emit(said)
		}
	}
}

// wipeGroup empties, through the client's own store, every sender key of that group that it took from that device.
func (p *peer) wipeGroup(ctx context.Context, command map[string]string) (object, error) {
	gone := []string{}
	for _, jid := range []types.JID{{User: command["pn"], Server: types.DefaultUserServer, Device: 1},
		{User: command["lid"], Server: types.HiddenUserServer, Device: 1}} {
		name := jid.SignalAddress().String()
		known, err := p.client.Store.SenderKeys.GetSenderKey(ctx, command["group"], name)
		if err != nil {
			return nil, err
		}
		if known == nil {
			continue
		}
		if err := p.client.Store.SenderKeys.PutSenderKey(ctx, command["group"], name, []byte{}); err != nil {
			return nil, err
		}
		gone = append(gone, name)
	}
	return object{"wiped": gone}, nil
}

// aboutText is what a text says beside itself: its timer, what it answers and whom it names.
func (p *peer) aboutText(command map[string]string, expires uint32) (*waE2E.ContextInfo, error) {
	context := &waE2E.ContextInfo{}
	if expires != 0 {
		context.Expiration = proto.Uint32(expires)
	}
	if quoted := command["quoted"]; quoted != "" {
		found, known := p.texts.Load(quoted)
		if !known {
			return nil, fmt.Errorf("no text %s came", quoted)
		}
		message := found.(*events.Message)
		context.StanzaID, context.QuotedMessage = proto.String(quoted), message.Message
		context.Participant = proto.String(message.Info.Sender.ToNonAD().String())
	}
	if mentions := command["mentions"]; mentions != "" {
		context.MentionedJID = strings.Split(mentions, ",")
	}
	return context, nil
}

// group runs the commands of groups; nil, nil: it is none of them.
func (p *peer) group(ctx context.Context, command map[string]string) (object, error) {
	group, people := jidOf(command["group"]), peopleOf(command["people"])
	show := func(info *types.GroupInfo, err error) (object, error) {
		if err != nil {
			return nil, err
		}
		return shown(info), nil
	}
	switch command["cmd"] {
	case "group_create":
		return show(p.client.CreateGroup(ctx, whatsmeow.ReqCreateGroup{Name: command["subject"], Participants: people}))
	case "group_show":
		return show(p.client.GetGroupInfo(ctx, group))
	case "groups":
		groups, err := p.client.GetJoinedGroups(ctx)
		all := []object{}
		for _, one := range groups {
			all = append(all, shown(one))
		}
		return object{"groups": all}, err
	case "group_members":
		rows, err := p.client.UpdateGroupParticipants(ctx, group, people, whatsmeow.ParticipantChange(command["action"]))
		return codes(rows), err
	case "group_set":
		value := command["value"]
		switch command["what"] {
		case "subject":
			return object{}, p.client.SetGroupName(ctx, group, value)
		case "description":
			return object{}, p.client.SetGroupTopic(ctx, group, "", "", value)
		case "announce":
			return object{}, p.client.SetGroupAnnounce(ctx, group, value == "yes")
		case "locked":
			return object{}, p.client.SetGroupLocked(ctx, group, value == "yes")
		case "approval":
			return object{}, p.client.SetGroupJoinApprovalMode(ctx, group, value == "yes")
		case "membersAdd":
			mode := types.GroupMemberAddModeAdmin
			if value == "yes" {
				mode = types.GroupMemberAddModeAllMember
			}
			return object{}, p.client.SetGroupMemberAddMode(ctx, group, mode)
		case "disappearing":
			seconds, err := strconv.Atoi(value)
			if err != nil {
				return nil, err
			}
			return object{}, p.client.SetDisappearingTimer(ctx, group, time.Duration(seconds)*time.Second, time.Time{})
		}
		return nil, fmt.Errorf("unknown setting %q", command["what"])
	case "group_link":
		link, err := p.client.GetGroupInviteLink(ctx, group, command["reset"] == "yes")
		return object{"code": strings.TrimPrefix(link, whatsmeow.InviteLinkPrefix)}, err
	case "group_preview":
		return show(p.client.GetGroupInfoFromLink(ctx, command["code"]))
	case "group_join":
		joined, err := p.client.JoinGroupWithLink(ctx, command["code"])
		return object{"group": joined.String()}, err
	case "group_requests":
		requests, err := p.client.GetGroupRequestParticipants(ctx, group)
		who := []string{}
		for _, one := range requests {
			who = append(who, one.JID.String())
		}
		return object{"people": who}, err
	case "group_decide":
		rows, err := p.client.UpdateGroupRequestParticipants(ctx, group, people, whatsmeow.ParticipantRequestChange(command["action"]))
		return codes(rows), err
	case "group_leave":
		return object{}, p.client.LeaveGroup(ctx, group)
	case "community_create":
		return show(p.client.CreateGroup(ctx, whatsmeow.ReqCreateGroup{Name: command["subject"], GroupParent: types.GroupParent{IsParent: true}}))
	case "community_link":
		return object{}, p.client.LinkGroup(ctx, jidOf(command["community"]), group)
	case "community_unlink":
		return object{}, p.client.UnlinkGroup(ctx, jidOf(command["community"]), group)
	case "community_groups":
		groups, err := p.client.GetSubGroups(ctx, jidOf(command["community"]))
		ids := []string{}
		for _, one := range groups {
			ids = append(ids, one.JID.String())
		}
		return object{"groups": ids}, err
	case "wipe_group":
		return p.wipeGroup(ctx, command)
	}
	return nil, nil
}
