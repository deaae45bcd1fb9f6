#pragma once
// App state (syncd) of one session: the collections that it acts upon are asked for, applied and patched, one at a time
// and one collection after another. What is known of each stands in rows (storage/app_state.h): a patch is applied in
// one turn with its version, its records and what it does. A snapshot is applied in slices and its version last, so
// that a crash between them begins it anew. What this device changes is a row until the server took it.
// Specification 04 sections 8 and 10.
//
// Signatures and ciphertexts are checked on a worker. What cannot be believed is asked for as a whole, once; then the
// collection is left alone until the process begins again or the server marks it as dirty.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/appstate/actions.h"
#include "protocol/notifications/events.h"
#include "protocol/stanzas/app_state_sync.h"
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
  /// (not connected), rate_limited (max_wishes wait), conflict (a newer change of the same took its place, or other
  /// devices change it again and again), refused, timed_out (kept, and sent again).
  void change(std::string_view collection, std::vector<protocol::AppStateMutation> mutations, Reply<void> reply);
  /// The records of an index that are known by now.
  bool has_record(std::string_view collection, const std::string& index) const {
    return !c_.records.app_state_records_of(std::string(collection), index).empty();
  }

  void on_link_down();
  /// The account is another one from here on.
  void forget();
  std::optional<net::SteadyTime> due() const;
  void on_due();

  /// Set by the session, for its log: of this collection something was not as it must be.
  std::function<void(std::string_view collection, const Error& why, bool left_alone)> on_trouble;

  static constexpr std::size_t max_wishes = 100;            // in one patch, and of a collection
  static constexpr std::size_t max_blob_bytes = 32u << 20;  // of a snapshot, or the mutations of a patch
  static constexpr std::size_t records_in_slice = 256;      // of a snapshot, in one turn
  static constexpr std::size_t max_records = 100'000;       // of a snapshot
  static constexpr std::size_t max_mutations = 20'000;      // of a patch, in one turn
  static constexpr unsigned max_rounds = 500, max_attempts = 5;

 private:
  struct Collection {
    explicit Collection(std::string_view its_name) : name(its_name) {}
    std::string name;
    bool wanted = false;    // to be asked for
    bool wishes = false;    // something of ours waits for the server
    bool blocked = false;   // a key is missing
    bool replaced = false;  // it was asked for as a whole, for what was wrong
    bool given_up = false;
    unsigned rounds = 0;     // answers in a row that had more behind them
    unsigned conflicts = 0;  // in a row
    std::chrono::seconds delay{0};
    std::optional<net::SteadyTime> again;  // not before
  };
  /// An answer that is being applied.
  struct Round {
    Collection* of = nullptr;
    bool whole = false;                 // a snapshot was asked for
    std::uint64_t from = 0, heard = 0;  // when it was asked: the own version, and the newest that was spoken of
    protocol::CollectionAnswer answer;
    std::size_t next = 0;  // of its patches
  };
  /// A snapshot that is being put in the place of what was there.
  struct Replacement;
  struct Opening;
  struct Application;
  struct Waiting {
    std::string collection;
    std::vector<std::string> actions;  // those that the server has not taken yet
    Reply<void> reply;
    net::SteadyTime until;
  };

  Collection* find(std::string_view name);
  /// The error of a collection that another try will not change.
  static bool is_final(unsigned error) { return error == 400 || (error >= 404 && error <= 406); }
  storage::AppStateRow row_of(const Collection& of) const;
  void want_what_is_behind(Collection& of);
  /// Does the next thing, when nothing is under way.
  void go_on();
  void retry_later(Collection& of);
  /// It is not believed: as a whole, once.
  void mistrust(Collection& of, const Error& why);
  void block(Collection& of, const Bytes& missing_key);
  void ask_phone_for(const Bytes& key_id);

  // --- asking and applying
  void ask(Collection& of);
  void on_answer(Collection& of, Round round, const Node* answer);
  void fetch(ByteView reference, UniqueFunction<void(Opening&)> then);
  void apply_snapshot(Opening& file);
  void replace(std::shared_ptr<Replacement> replacement);
  void next_patch();
  void apply_patch(const Bytes& mutations);
  void on_applied(Application& done);
  void finish_round();
  void stop_round();
  /// nullopt: one is missing, and the collection blocked.
  std::optional<std::map<Bytes, Bytes>> keys_for(Collection& of, const std::vector<Bytes>& ids);
  template <class Job>
  void work(std::shared_ptr<Job> job, void (*run)(Job&), UniqueFunction<void(Job&)> then);

  // --- patching
  void send(Collection& of);
  void on_sent(Collection& of, const std::vector<storage::AppStateWish>& sent, std::uint64_t base, const Node* answer);
  void on_taken(Collection& of, const std::vector<storage::AppStateWish>& sent, std::uint64_t version);
  void drop(Collection& of, const std::vector<storage::AppStateWish>& sent, const Refusal& why);
  /// Those that no newer change has replaced.
  std::vector<storage::AppStateWish> remove_unchanged(Collection& of, const std::vector<storage::AppStateWish>& sent);
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
  bool busy_ = false;             // a question, a round or a patch is under way
  std::uint64_t generation_ = 0;  // what comes back of an earlier one counts no more
  std::optional<Round> round_;
  std::vector<Waiting> waiting_;
  std::string dirty_;                   // timestamp of the server's mark; "" = none
  std::map<Bytes, UnixMs> asked_keys_;  // when the phone was asked; at most most_asked
};

}  // namespace wharf::sessions
