#pragma once
// The decisions of one session: an input and the time in, a turn out. No I/O, no clock, no thread: the actor feeds it.
// It only routes between the conversations: pairing, login, sending, receiving, receipts.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sessions/acceptance.h"
#include "sessions/appstate/address_book.h"
#include "sessions/appstate/app_state.h"
#include "sessions/appstate/sync_actions.h"
#include "sessions/calls/calls.h"
#include "sessions/channels/channels.h"
#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/fanout.h"
#include "sessions/groups/group_asking.h"
#include "sessions/groups/group_fanout.h"
#include "sessions/groups/groups.h"
#include "sessions/groups/sender_keys.h"
#include "sessions/holdings.h"
#include "sessions/inbound.h"
#include "sessions/link.h"
#include "sessions/login_flow.h"
#include "sessions/media/auto_downloads.h"
#include "sessions/media/downloads.h"
#include "sessions/media/media_hosts.h"
#include "sessions/media/uploads.h"
#include "sessions/outbox.h"
#include "sessions/pairing_flow.h"
#include "sessions/people/account_settings.h"
#include "sessions/people/contact_book.h"
#include "sessions/people/number_checks.h"
#include "sessions/people/people_notices.h"
#include "sessions/people/presence.h"
#include "sessions/people/profiles.h"
#include "sessions/read_receipts.h"
#include "sessions/receipts.h"
#include "sessions/sealer.h"
#include "sessions/status_audiences.h"

namespace wharf::sessions {

// --- inputs
/// `epoch`: the connection they belong to (Session::link_epoch() when it was opened). What comes from one that the
/// session has given up meanwhile is ignored.
struct StanzaArrived {
  Node node;
  std::uint64_t epoch = 0;
  std::size_t weight = 0;  // protocol::weight(node)
};
struct LinkUp {
  protocol::KnownServer server;
  bool resumed = false;
  std::uint64_t epoch = 0;
};
struct LinkDown {
  LinkEnd end;
  std::uint64_t epoch = 0;
};
/// The session starts: with the daemon, when it was created, when it was read again from its rows.
struct Begin {
  std::string request_id;  // of the request that created it; "" otherwise
};
/// A worker is done: `then` runs inside the turn.
struct WorkDone {
  UniqueFunction<void()> then;
};
struct CommandArrived {
  Command command;
  std::string request_id;  // of the API's request; "" without one
};
using Input = std::variant<StanzaArrived, LinkUp, LinkDown, Begin, WorkDone, CommandArrived>;
static_assert(sizeof(Input) <= sizeof(StanzaArrived) + 8);

/// One operator-readable line: event name and fields.
using LogLine = std::function<void(std::string_view event, const std::string& fields)>;

class Session {
 public:
  /// `reader`: as Records.
  Session(storage::Database& reader, protocol::Random& random, const SessionSettings& settings, storage::SessionRow row,
          storage::DeviceRow device, SessionConfig config, LogLine log);
  ~Session();

  /// Takes inputs in order into one turn. After an exception the object is worth nothing but its abandoned effects.
  Turn handle(std::vector<Input> inputs, Now now);
  /// Of the turn that an exception ended: who waits for an answer of it is still there.
  std::vector<Effect> abandon_turn() { return std::exchange(context_.turn, Turn()).effects; }
  /// After the commit (or its failure: then the session must be rebuilt from rows).
  void committed();

  std::uint64_t link_epoch() const { return context_.link.epoch(); }
  /// When a turn is to run though no input waits.
  std::optional<net::SteadyTime> next_deadline() const;
  SessionView view() const;
  Holdings holdings() const;
  /// What the next connection says of itself.
  Link::Settings link_settings(const std::string& url, const protocol::PublicKey& root, bool may_resume, Now now,
                               std::uint32_t connect_attempts);

  /// What a turn with this stanza will tell of a message: that the server has it, since when.
  struct AcceptedMessage {
    std::string id;
    UnixMs at = 0;
    std::uint64_t server_id = 0;  // of a post of a channel; 0: it names none
  };
  std::optional<AcceptedMessage> accepted_by(const StanzaArrived& arrived, Now now) const;

  /// The actor has given up the connection and this object: what it says of itself until it is replaced.
  void lose_connection();

  Context& context() { return context_; }
  Directory& directory() { return directory_; }

 private:
  // --- inputs
  void take(const StanzaArrived& arrived);
  void take(const LinkUp& up);
  void take(const LinkDown& down);
  void take(const Begin& begin);
  void take(WorkDone& done);
  void take(CommandArrived& arrived);
  /// Of this connection, and of a session that is still there.
  bool current(std::uint64_t epoch) const { return !removed_ && epoch == link_epoch(); }

  // --- commands: each answers, in this turn or in a later one
  void carry_out(const StartSession& start, Reply<SessionView> reply);
  void carry_out(const StopSession& stop, Reply<SessionView> reply);
  void carry_out(const RestartSession& restart, Reply<SessionView> reply);
  void carry_out(UpdateSession& update, Reply<SessionView> reply);
  void carry_out(const Logout& logout, Reply<SessionView> reply);
  void carry_out(const RemoveSession& remove, Reply<void> reply);
  void carry_out(const RequestPairingCode& request, Reply<PairingCode> reply);
  void carry_out(const SendMessage& message, Reply<SentMessage> reply);
  void carry_out(const CancelMessage& cancel, Reply<SentMessage> reply);
  void carry_out(const SendMessages& several, Reply<std::vector<SentMessage>> reply);
  void carry_out(const FindSent& wanted, Reply<std::vector<SentMessage>> reply);
  void carry_out(const FetchMedia& wanted, Reply<void> reply);
  void carry_out(const RemoveMessage& remove, Reply<void> reply);
  void remove_message(const storage::MessageRow& row);
  void carry_out(const StarMessage& star, Reply<void> reply);
  void carry_out(const MarkRead& read, Reply<void> reply);
  void carry_out(const ViewStatus& view, Reply<void> reply);
  void carry_out(const RemoveChat& remove, Reply<void> reply);
  void carry_out(AskGroup& ask, Reply<GroupAnswer> reply);
  void carry_out(CheckNumbers& check, Reply<std::vector<NumberChecked>> reply);
  void carry_out(const LookAtContact& look, Reply<ContactView> reply);
  void carry_out(const GetPicture& get, Reply<PictureView> reply);
  void carry_out(const SetOwnPicture& set, Reply<std::string> reply);
  void carry_out(const SetAbout& set, Reply<void> reply);
  void carry_out(const SetDefaultTimer& set, Reply<void> reply);
  void carry_out(const SetOwnName& set, Reply<void> reply);
  void carry_out(const SaveContact& save, Reply<void> reply);
  void carry_out(const RemoveSavedContact& remove, Reply<void> reply);
  void carry_out(const ReadPrivacy& read, Reply<std::vector<protocol::PrivacySetting>> reply);
  void carry_out(ChangePrivacy& change, Reply<std::vector<protocol::PrivacySetting>> reply);
  void carry_out(const ReadExcluded& read, Reply<std::vector<Person>> reply);
  void carry_out(ChangeExcluded& change, Reply<std::vector<Person>> reply);
  void carry_out(const ListBlocked& list, Reply<std::vector<Person>> reply);
  void carry_out(const BlockContact& block, Reply<void> reply);
  void carry_out(const ReadBusiness& read, Reply<std::optional<protocol::BusinessProfile>> reply);
  void carry_out(ReadCatalog& read, Reply<protocol::CatalogPage> reply);
  void carry_out(const ShowChatState& show, Reply<void> reply);
  void carry_out(const WatchPresence& watch, Reply<PresenceView> reply);
  void carry_out(const ReadPresence& read, Reply<PresenceView> reply);
  void carry_out(const ShowPresence& show, Reply<void> reply);
  void carry_out(const RejectCall& reject, Reply<void> reply);
  void carry_out(const ListChannels& list, Reply<ChannelList> reply);
  void carry_out(AskChannel& ask, Reply<ChannelAnswer> reply);
  void carry_out(const LocatePicture& locate, Reply<std::string> reply);
  void carry_out(const ReadPosts& read, Reply<std::vector<protocol::ChannelPost>> reply);
  void carry_out(const FetchPostFile& wanted, Reply<void> reply);
  void carry_out(const ReadPostUpdates& read, Reply<std::vector<protocol::ChannelPost>> reply);
  void carry_out(const ReactInChannel& reaction, Reply<void> reply);
  void carry_out(const ViewPosts& posts, Reply<void> reply);
  void carry_out(const WatchChannel& watch, Reply<std::uint64_t> reply);
  void carry_out(const CatchUp& catch_up, Reply<void> reply);
  void start();
  void stop(Status status);

  // --- stanzas and the connection
  void on_stanza(const Node& node);
  void on_iq(const Node& iq);
  void on_notification(const Node& notification);
  void on_ack(const Node& ack);
  void on_link_up(const LinkUp& up);
  void on_link_down(const LinkDown& down);
  void on_due();
  void tend_link();
  std::optional<net::SteadyTime> stable_due() const;
  void follow(const LoginFlow::Verdict& verdict);
  /// remove-companion-device when connected; `then` runs after the answer or 5 s, in a turn.
  void unlink(UniqueFunction<void()> then);
  /// New credentials: the next start shows a QR.
  void wipe();

  /// How the session goes on without the connection that it leaves.
  struct Departure {
    std::optional<Status> status;  // said, with `why`; nullopt: nothing is said
    std::optional<Reason> why;
    std::optional<std::chrono::milliseconds> again;  // another connection is wanted after so long; nullopt: none
  };
  static Departure failed(std::optional<Reason> why);
  Departure again_in(std::chrono::milliseconds delay, std::optional<Reason> why) const;
  /// The one way out of a connection, of the wait for one, and of neither: it is closed, the parts hear of it, whoever
  /// waits for an answer hears that none comes, and only then the session says how it goes on. False: one of those that
  /// waited has ended the session meanwhile (a logout). What it decided stands, and nothing of `next` happens.
  bool leave_link(Departure next);
  /// The connection is there and does not do its work: closed and opened again, with a delay.
  void give_up_link(std::string why);

  Context context_;
  Directory directory_;
  TrustedTokens tokens_;
  Fanout fanout_;
  Groups groups_;
  StatusAudiences audiences_;
  GroupFanout group_fanout_;
  Rosters rosters_;
  SenderKeys sender_keys_;
  HeldMessages held_messages_;
  GroupAsking group_asking_;
  PairingFlow pairing_;
  LoginFlow login_;
  AddOns add_ons_;
  Sealer sealer_;
  MediaHosts media_hosts_;
  ContactBook book_;
  NumberChecks number_checks_;
  Profiles profiles_;
  AccountSettings account_settings_;
  Presence presence_;
  PeopleNotices people_notices_;
  SyncActions sync_actions_;
  AppState app_state_;
  AddressBook address_book_;
  Channels channels_;
  Uploads uploads_;
  Downloads downloads_;
  AutoDownloads auto_downloads_;
  Outbox outbox_;
  Acceptance acceptance_;
  Calls calls_;
  Inbound inbound_;
  Receipts receipts_;
  ReadReceipts reads_;
  Backoff backoff_;
  LogLine log_;
  bool removed_ = false;  // its rows go with this turn
};

/// Fresh keys for a session that is not linked yet (02 section 1).
storage::DeviceRow new_device(storage::SessionId session, protocol::Random& random, storage::Changes& changes,
                              UnixMs now);

}  // namespace wharf::sessions
