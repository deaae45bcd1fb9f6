// Handlers of people: who is known, which numbers are on WhatsApp, what somebody shows, who is blocked. The list comes
// from the stored copy; the rest is asked of WhatsApp.
#include <fmt/format.h>

#include <set>
#include <utility>

#include "api/business_json.h"
#include "api/chat_id.h"
#include "api/contact_json.h"
#include "api/contact_request.h"
#include "api/handlers.h"
#include "api/message_page.h"
#include "api/name_fields.h"
#include "api/page_cursor.h"
#include "api/sending.h"
#include "api/whole_list.h"
#include "protocol/appstate/actions.h"
#include "sessions/appstate/saved_people.h"
#include "sessions/commands.h"
#include "storage/contacts.h"

namespace wharf::api {

using protocol::Jid;
using sessions::ContactView;

namespace {

// --- the list

constexpr char cursor_letter = 'c';

/// Whose contacts, and for whom they are written. The account itself is none of them.
struct ContactList {
  storage::SessionId session;
  Jid own, own_lid;
  Dialect dialect;
  storage::UnixMs now;

  ContactList(const ServicesPtr& services, const CallPtr& call, const sessions::SessionView& view)
      : session(view.id),
        own(view.jid.user_jid()),
        own_lid(view.lid.user_jid()),
        dialect(call->dialect),
        now(services->ports.scheduler.unix_ms()) {}

  /// The rows of a page that are shown, with commas between them.
  std::string rows(storage::Database& db, const storage::ContactPage& page) const {
    People people(db, session, now);
    const std::string book(protocol::critical_unblock_low);
    const auto stands = storage::find_app_state(db, session, book);
    const auto has_record = [&](const std::string& index) {
      return !storage::app_state_records_of(db, session, book, index).empty();
    };
    std::string out;
    for (const storage::ContactRow& row : page.contacts) {
      if (row.user == own || row.user == own_lid || !storage::says_something(row)) continue;
      JsonWriter one(300);
      const events::PersonIds ids = people.of(row.user);
      write_contact(one, row, ids, sessions::is_saved(row, ids, stands, has_record), dialect);
      if (!out.empty()) out.push_back(',');
      out += one.view();
    }
    return out;
  }
};

/// All of them, in their order, while it goes on.
class EveryContact final : public WholeList {
 public:
  explicit EveryContact(ContactList list) : list_(std::move(list)) {}
  bool over() const override { return over_; }
  std::string slice(storage::Database& db) override {
    constexpr std::size_t contacts_in_slice = 100;
    const storage::ContactPage page = storage::page_contacts(db, list_.session, contacts_in_slice, after_);
    over_ = !page.next;
    after_ = page.next.value_or(0);
    std::string rows = list_.rows(db, page);
    if (!rows.empty() && std::exchange(any_, true)) rows.insert(rows.begin(), ',');
    return over_ ? rows + R"(],"nextCursor":null})" : rows;
  }

 private:
  ContactList list_;
  std::int64_t after_ = 0;
  bool over_ = false, any_ = false;
};

void list_every_contact(const ServicesPtr& services, const CallPtr& call, const ContactList& list) {
  const auto every = std::make_shared<EveryContact>(list);
  read_on_worker(services, call, [services, every, request_id = call->request_id](storage::Database& db) {
    net::HttpResponse response(200, "application/json", R"({"success":true,"data":[)" + every->slice(db));
    if (!every->over()) response.more = rest_of(services, every, request_id);
    return response;
  });
}

}  // namespace

void list_contacts(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const ContactList list(services, call, *view);
  const auto cursor = call->query.text("cursor");
  if (cursor.empty() && call->query.integer("limit", 0) == 0) return list_every_contact(services, call, list);
  const auto after = cursor.empty() ? std::optional<std::int64_t>(0) : parse_row_cursor(cursor_letter, cursor);
  if (!after) return call->failure(bad_cursor());
  read_on_worker(services, call, [list, after = *after, limit = page_limit(call)](storage::Database& db) {
    const storage::ContactPage page = storage::page_contacts(db, list.session, limit, after);
    return render_success("[" + list.rows(db, page) + "]",
                          Beside{200, {}, page.next ? cursor_json(row_cursor(cursor_letter, *page.next)) : "null"});
  });
}

// --- numbers

namespace {

/// nullopt: it is no number that could be asked for.
std::optional<std::string> digits_of(const std::optional<Jid>& jid) {
  constexpr std::size_t min_digits = 7;
  if (!jid || !jid->is_phone_number() || jid->user.size() < min_digits || jid->user.front() == '0') return std::nullopt;
  return jid->user;
}

}  // namespace

void check_numbers(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  std::vector<FieldProblem> problems;
  std::vector<AskedNumber> asked;
  sessions::CheckNumbers check;
  std::set<std::string> seen;
  for (std::string& given : texts_of(call->body, "numbers")) {
    auto jid = parse_chat_id(given);
    if (jid && !jid->has_devices())
      problems.push_back(
          {fmt::format("numbers[{}]", asked.size()), person_id_problem(given), &formats::chat_id, false});
    if (jid && jid->is_lid()) jid = services->ports.supervisor.person(view->id, *jid).pn.value_or(*jid);
    const auto digits = digits_of(jid);
    if (digits && seen.insert(*digits).second) check.numbers.push_back(*digits);
    // A LID whose number is not known: no answer is about it.
    const std::string nothing = jid && jid->is_lid() ? jid->to_string() : std::string();
    asked.push_back({std::move(given), digits.value_or(nothing)});
  }
  if (!problems.empty()) return call->failure(failure_of(problems));
  if (check.numbers.empty()) return call->success(checked_numbers_json(asked, {}, call->dialect));
  check.anew = boolean_of(call->body, "refresh", false);
  ask_session(services, call, std::move(check), [call, asked](const std::vector<sessions::NumberChecked>& answers) {
    call->success(checked_numbers_json(asked, answers, call->dialect));
  });
}

// --- one person

namespace {

/// An error of the picture does not cost the caller the contact.
void answer_with_picture(const ServicesPtr& services, const CallPtr& call, const ContactView& contact) {
  ask(services, call, sessions::GetPicture{contact.row.user, true, true},
      [call, contact](const sessions::Outcome<sessions::PictureView>& picture) {
        call->success(contact_json(contact, picture ? &*picture : nullptr, call->dialect));
      });
}

}  // namespace

void get_contact(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  ask_session(services, call, sessions::LookAtContact{contact->jid}, [services, call](const ContactView& view) {
    if (view.fresh) return answer_with_picture(services, call, view);
    call->success(contact_json(view, nullptr, call->dialect));
  });
}

void get_contact_about(const ServicesPtr& services, const CallPtr& call) {
  if (const auto contact = contact_of(services, call))
    ask_session(services, call, sessions::LookAtContact{contact->jid},
                [call](const ContactView& view) { call->success(about_json(view, call->dialect)); });
}

void get_business(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  ask_session(
      services, call, sessions::ReadBusiness{contact->jid},
      [call, who = person_head(contact->jid, contact->ids, call->dialect)](
          const std::optional<protocol::BusinessProfile>& profile) {
        if (profile) return call->success(business_json(who, *profile));
        call->failure(Failure(ErrorCode::business_not_found, "this contact is no business, or shows no profile"));
      });
}

void get_catalog(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  protocol::CatalogQuery query;
  query.business = contact->jid;
  query.limit = static_cast<std::uint32_t>(call->query.integer("limit", query.limit));
  query.after = call->query.text("cursor");
  ask(services, call, sessions::ReadCatalog{std::move(query)},
      [call](const sessions::Outcome<protocol::CatalogPage>& page) {
        if (!page && page.error().code == protocol::Errc::not_found &&
            page.error().subject == sessions::Subject::contact)
          return call->failure(
              Failure(ErrorCode::business_not_found, "this contact is no business, or shows no catalogue"));
        if (!page) return call->failure(failure_of(call, page.error()));
        call->success(products_json(page->products),
                      Beside{200, {}, page->after.empty() ? "null" : cursor_json(page->after)});
      });
}

// --- how the address book has somebody

void save_contact(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  if (contact->is_own) return refuse_field(call, "contactId", "must not be the own account");
  sessions::SaveContact save;
  save.who = contact->jid;
  save.full_name = text_of(call->body, "fullName");
  save.first_name = text_of(call->body, "firstName");
  save.on_phone = boolean_of(call->body, "saveOnPhone", false);
  if (save.full_name.empty() && save.first_name.empty())
    return refuse_field(call, "fullName", "must be set, or firstName: it is what the contact is called");
  if (!save.full_name.empty() && !acceptable_name(call, "fullName", save.full_name)) return;
  if (!save.first_name.empty() && !acceptable_name(call, "firstName", save.first_name)) return;
  const std::string name = save.full_name.empty() ? save.first_name : save.full_name;
  ask_session(services, call, std::move(save),
              [call, name, who = person_head(contact->jid, contact->ids, call->dialect)] {
                JsonWriter out(160);
                call->success(begin_about(out, who).text("name", name).end_object().take());
              });
}

void remove_contact(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  ask_session(services, call, sessions::RemoveSavedContact{contact->jid},
              [call] { call->send(net::HttpResponse(204, {}, {})); });
}

// --- blocking

namespace {

void block(const ServicesPtr& services, const CallPtr& call, bool blocked) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  if (contact->is_own) return refuse_field(call, "contactId", "must not be the own account");
  ask_session(services, call, sessions::BlockContact{contact->jid, blocked},
              [call, blocked, who = person_head(contact->jid, contact->ids, call->dialect)] {
                JsonWriter out(96);
                call->success(begin_about(out, who).boolean("blocked", blocked).end_object().take());
              });
}

}  // namespace

void block_contact(const ServicesPtr& services, const CallPtr& call) { block(services, call, true); }
void unblock_contact(const ServicesPtr& services, const CallPtr& call) { block(services, call, false); }

void list_blocked(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  ask_session(services, call, sessions::ListBlocked{}, [call](const std::vector<sessions::Person>& blocked) {
    call->success(blocked_contacts_json(blocked, call->dialect));
  });
}

}  // namespace wharf::api
