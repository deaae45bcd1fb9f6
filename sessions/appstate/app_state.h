#pragma once
// App state (syncd) of one session: the collections that it acts upon are asked for, applied and patched, one at a time
// and one collection after another. What is known of each stands in rows (storage/app_state.h): a patch is applied in
// one turn with its version, its records and what it does, and with the newest version that was spoken of, so that the
// next process asks for what is behind it. What this device changes is a row until the server took it. Specification
// 04 sections 8 and 10.
//
// As a whole a collection is asked for when nothing of it is known, when what is known is not believed, and when a
// patch is too large for one turn: the snapshot and all patches behind it are put together in memory, and take the
// place of the rows in slices, the version last. A crash before that asks for the whole anew. So nothing is acted upon
// that a later patch of the same answer takes back.
//
// Signatures and ciphertexts are checked on a worker. What cannot be believed is asked for as a whole, once; a hash
// that has diverged is then let pass and not compared. What is wrong otherwise leaves the collection alone, until the
// server speaks of a newer version and some time has passed, or the process begins again.

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/appstate/actions.h"
#include "protocol/notifications/events.h"
#include "protocol/stanzas/app_state_sync.h"
#include "sessions/appstate/collection_standing.h"
#include "sessions/appstate/sync_actions.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/fanout.h"
#include "sessions/media/media_hosts.h"

namespace wharf::sessions {

class AppState {
 public:
  AppState(Context& context, Directory& directory, Fanout& fanout, MediaHosts& hosts, SyncActions& actions)
      : c_(context), directory_(directory), fanout_(fanout), hosts_(hosts), actions_(actions) {}

  void on_online();
  /// The phone has shared keys, in this turn.
  void on_keys();
  /// The server speaks of newer versions.
  void hear(const protocol::AppStateMoved& moved);
  /// All of it is to be asked for; the mark is cleaned when it was.
  void on_dirty(const std::string& timestamp);
  /// Asks the server to take these; they are kept and tried again until it does. Each index once. Errors: not_ready
  /// (not connected), rate_limited (max_wishes wait), conflict (a newer change of the same took its place, here or on
  /// another device, or other devices change it again and again), not_found (a removal of what is not there), refused,
  /// timed_out (kept, and sent again).
  void change(std::string_view collection, std::vector<protocol::AppStateMutation> mutations, Reply<void> reply);
  /// Whether a record of this index is known by now.
  bool has_record(std::string_view collection, const std::string& index) const {
    return !c_.records.app_state_records_of(std::string(collection), index).empty();
  }

  /// While the session is online.
  CollectionStanding standing(std::string_view collection) const;

  /// The change of this index that waits for the server: true: a value, false: a removal, nullopt: none does.
  std::optional<bool> waits(std::string_view collection, const std::string& index) const;

  void on_link_down();
  /// The account is another one from here on.
  void forget();
  std::optional<net::SteadyTime> due() const;
  void on_due();

  /// Set by the session, for its log: of this collection something was not as it must be.
  std::function<void(std::string_view collection, const Error& why, bool left_alone)> on_trouble;

  static constexpr std::size_t max_wishes = 100;            // of a collection
  static constexpr std::size_t max_mutations_sent = 100;    // in one patch (04 section 8.8)
  static constexpr std::size_t most_asked_for = 256;        // changes whose requests are known
  static constexpr std::size_t max_blob_bytes = 32u << 20;  // of a snapshot, or the mutations of a patch
  static constexpr std::size_t max_records = 100'000;       // of a whole
  static constexpr std::size_t records_in_slice = 256;      // of a whole, in one turn
  static constexpr std::size_t pairs_in_slice = 128;        // LIDs of a whole that are learnt in one turn
  static constexpr std::size_t mutations_in_turn = 128;     // of a patch; for a larger one the whole is asked for
  static constexpr unsigned max_rounds = 500, max_attempts = 5;
  static constexpr std::chrono::seconds answer_within{30};  // 04 section 8.4
  /// From the second whole, or a collection that is left alone, to the next whole; then twice as long, up to an hour.
  static constexpr std::chrono::seconds first_doubt{60};

 private:
  /// How much what the server has of a collection is believed. doubted: it was wrong, and is asked for as a whole.
  /// left_alone: that was wrong too; it is asked for again when `wanted`, and nothing is sent.
  enum class Trust : std::uint8_t { fine, doubted, left_alone };
  struct Whole;
  struct Collection {
    explicit Collection(std::string_view its_name) : name(its_name) {}
    std::string name;
    bool wanted = false;   // to be asked for, once more when a question is under way
    bool wishes = false;   // something of ours waits for the server
    bool blocked = false;  // a key is missing
    Trust trust = Trust::fine;
    Bytes missing_key;       // empty: of all
    unsigned rounds = 0;     // answers in a row that had more behind them
    unsigned conflicts = 0;  // in a row
    unsigned bad_files = 0;  // in a row
    std::chrono::seconds delay{0}, doubt{0};
    std::optional<net::SteadyTime> again;        // not before; of this connection
    std::optional<net::SteadyTime> whole_again;  // not before; of all connections
    std::shared_ptr<Whole> collected;            // of a whole, while more of it is behind
  };
  /// A question, and then its answer while that is being applied.
  struct Round {
    Collection* of = nullptr;
    bool whole = false;      // a snapshot was asked for
    std::uint64_t from = 0;  // the own version when it was asked
    protocol::CollectionAnswer answer;
    std::size_t next = 0;             // of its patches
    std::optional<Error> distrusted;  // why what comes behind the whole that is being written is not believed
  };
  struct Opening;
  struct Application;
  struct Replacement;
  struct Waiting {
    std::string collection;
    std::vector<std::string> actions;  // those that the server has not taken yet
    Reply<void> reply;
    net::SteadyTime until;
    bool done = false;  // something of it is: taken by the server, or withdrawn before it was
  };
  /// Who asked for a change: its events name that request, whichever round they come of.
  struct WishAsked {
    storage::AppStateWish wish;
    std::string cause;
  };
  /// A request for a key, to the phone.
  struct KeyAsked {
    bool under_way = false;
    net::SteadyTime again{};  // not before
    std::chrono::seconds delay{0};
  };

  Collection* find(std::string_view name);
  /// The error of a collection that another try will not change.
  static bool is_final(unsigned error) { return error == 400 || (error >= 404 && error <= 406); }
  bool busy() const { return sending_ || round_.has_value(); }
  storage::AppStateRow row_of(const Collection& of) const;
  static std::optional<net::SteadyTime> not_before(const Collection& of);
  void want_what_is_behind(Collection& of);
  /// Does the next thing, when nothing is under way. It is of no request: what it does may be of several, and of the
  /// phone.
  void go_on();
  void retry_later(Collection& of);
  /// It is not believed: as a whole, once.
  void mistrust(Collection& of, const Error& why);
  void block(Collection& of, const Bytes& missing_key);
  void ask_phone_for(const Bytes& key_id);
  void on_phone_ready(const Jid& phone, const Bytes& key_id, bool ready);
  /// False: there is no session with the phone.
  bool send_key_request(const Jid& phone, const Bytes& key_id);

  // --- asking and applying
  void ask(Collection& of);
  void on_answer(const Node* answer);
  void fetch(ByteView reference, bool snapshot, UniqueFunction<void(Opening&)> then);
  void on_file(std::shared_ptr<Opening> opening, Transferred<Bytes> bytes, UniqueFunction<void(Opening&)> then);
  /// What came is damaged on its way, or does not come: later, and from another host.
  void file_failed(const Error* why);
  void next_patch();
  void read_patch(Bytes mutations);
  void apply_patch(std::shared_ptr<Application> patch);
  void on_applied(Application& done);
  void act_on(const Collection& of, const std::vector<protocol::AppStateMutation>& mutations);
  /// A record of this index has gone: unless another one of the same person is there, but those of `without`.
  void act_removed(const Collection& of, const std::string& index, const std::set<std::string>& without = {});
  std::uint64_t version_of(const Collection& of) const;
  /// The patches of the answer are applied.
  void finish_round();
  /// All that was asked for is in the rows.
  void end_round();
  /// What was asked for is to be asked for again.
  void stop_round();
  void fail_round();
  void in_later_turn(UniqueFunction<void()> then);

  // --- as a whole
  void apply_snapshot(Opening& file);
  void begin_replacement();
  void compare_rows(std::shared_ptr<Replacement> replacement);
  void learn_pairs(std::shared_ptr<Replacement> replacement);
  void write_rows(std::shared_ptr<Replacement> replacement);
  void finish_replacement(const Replacement& done);
  bool is_last_word(const Replacement& of, const protocol::AppStateMutation& said);
  /// nullopt: one is missing, and the collection blocked.
  std::optional<std::map<Bytes, Bytes>> keys_for(Collection& of, const std::vector<Bytes>& ids);
  template <class Job>
  void work(std::shared_ptr<Job> job, void (*run)(Job&), UniqueFunction<void(Job&)> then);

  // --- patching
  void send(Collection& of);
  void on_sent(Collection& of, const std::vector<storage::AppStateWish>& sent, std::uint64_t base, const Node* answer);
  void on_taken(Collection& of, const std::vector<storage::AppStateWish>& sent, std::uint64_t version);
  void drop(Collection& of, const std::vector<storage::AppStateWish>& sent, const Refusal& why);
  /// What is to be removed is not there.
  void on_vain(Collection& of, const std::vector<storage::AppStateWish>& vain);
  /// Other devices said this, by index (nullptr: nothing); or the server has taken ours and we did not hear of it.
  void compare_wishes(Collection& of,
                      const std::function<const protocol::AppStateMutation*(const std::string& index)>& said);
  /// The request behind this change, once; "" where none is known: it is another device's, or of another process.
  std::string take_cause(std::string_view collection, const protocol::AppStateMutation& mutation);
  /// Those that no newer change has replaced.
  std::vector<storage::AppStateWish> remove_unchanged(Collection& of, const std::vector<storage::AppStateWish>& sent);
  static bool strike(Waiting& waiting, const Collection& of, const std::vector<storage::AppStateWish>& about);
  /// Of those who wait for these actions.
  void answer_waiting(const Collection& of, const std::vector<storage::AppStateWish>& about, const Outcome<>& outcome);
  std::optional<Bytes> signing_key_id() const;

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  MediaHosts& hosts_;
  SyncActions& actions_;
  std::array<Collection, 2> collections_ = {
      {Collection(protocol::critical_block), Collection(protocol::critical_unblock_low)}};
  bool sending_ = false;  // a patch of ours is under way; at most one of this and `round_`
  std::optional<Round> round_;
  std::optional<std::uint64_t> transfer_;  // of a file of the round
  std::uint64_t generation_ = 0;           // what comes back of an earlier round counts no more
  std::vector<Waiting> waiting_;
  std::deque<WishAsked> asked_for_;       // the newest, at most most_asked_for; of this process
  std::optional<std::string> dirty_;      // timestamp of the server's mark
  std::map<Bytes, KeyAsked> asked_keys_;  // at most most_asked
};

}  // namespace wharf::sessions
