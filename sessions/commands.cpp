#include "sessions/commands.h"

#include <utility>

namespace wharf::sessions {

template <class Operation>
Command::Command(Asked<Operation> asked) : any_(std::make_unique<Any>(std::move(asked))) {}
Command::Command(Command&&) noexcept = default;
Command& Command::operator=(Command&&) noexcept = default;
Command::~Command() = default;

template Command::Command(Asked<StartSession>);
template Command::Command(Asked<StopSession>);
template Command::Command(Asked<RestartSession>);
template Command::Command(Asked<UpdateSession>);
template Command::Command(Asked<Logout>);
template Command::Command(Asked<RemoveSession>);
template Command::Command(Asked<RequestPairingCode>);
template Command::Command(Asked<SendMessage>);
template Command::Command(Asked<SendMessages>);
template Command::Command(Asked<FindSent>);
template Command::Command(Asked<CancelMessage>);
template Command::Command(Asked<FetchMedia>);
template Command::Command(Asked<RemoveMessage>);
template Command::Command(Asked<StarMessage>);
template Command::Command(Asked<MarkRead>);
template Command::Command(Asked<ViewStatus>);
template Command::Command(Asked<RemoveChat>);
template Command::Command(Asked<AskGroup>);
template Command::Command(Asked<CheckNumbers>);
template Command::Command(Asked<LookAtContact>);
template Command::Command(Asked<GetPicture>);
template Command::Command(Asked<SetOwnPicture>);
template Command::Command(Asked<SetAbout>);
template Command::Command(Asked<SetDefaultTimer>);
template Command::Command(Asked<SetOwnName>);
template Command::Command(Asked<SaveContact>);
template Command::Command(Asked<RemoveSavedContact>);
template Command::Command(Asked<ReadPrivacy>);
template Command::Command(Asked<ChangePrivacy>);
template Command::Command(Asked<ReadExcluded>);
template Command::Command(Asked<ChangeExcluded>);
template Command::Command(Asked<ListBlocked>);
template Command::Command(Asked<BlockContact>);
template Command::Command(Asked<ReadBusiness>);
template Command::Command(Asked<ReadCatalog>);
template Command::Command(Asked<ShowChatState>);
template Command::Command(Asked<WatchPresence>);
template Command::Command(Asked<ReadPresence>);
template Command::Command(Asked<ShowPresence>);
template Command::Command(Asked<RejectCall>);
template Command::Command(Asked<ListChannels>);
template Command::Command(Asked<AskChannel>);
template Command::Command(Asked<LocatePicture>);
template Command::Command(Asked<ReadPosts>);
template Command::Command(Asked<FetchPostFile>);
template Command::Command(Asked<ReadPostUpdates>);
template Command::Command(Asked<ReactInChannel>);
template Command::Command(Asked<ViewPosts>);
template Command::Command(Asked<WatchChannel>);
template Command::Command(Asked<CatchUp>);

const char* name(const Command& command) {
  return std::visit([]<class Operation>(const Asked<Operation>&) { return Operation::name; }, command.any());
}

std::shared_ptr<Owed> owed(const Command& command) {
  return std::visit([](const auto& asked) -> std::shared_ptr<Owed> { return asked.reply.owed(); }, command.any());
}

void refuse(Command command, const Refusal& why) {
  std::visit([&](auto& asked) { std::move(asked.reply)(why); }, command.any());
}

namespace {

struct ShownText {
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(const protocol::PreviewedText& text) const { return text.text; }
  std::string operator()(const protocol::StatusText& text) const { return text.text; }
  std::string operator()(const protocol::Contacts& c) const {
    return c.cards.size() == 1 ? c.cards.front().name : c.name;
  }
  std::string operator()(const protocol::Poll& poll) const { return poll.name; }
  std::string operator()(const protocol::CalendarEvent& event) const { return event.name; }
  std::string operator()(const protocol::Location& place) const { return place.live ? place.name : std::string(); }
  std::string operator()(const protocol::GroupInvite& invite) const { return invite.caption; }
  std::string operator()(const SendMedia& media) const { return media.content.caption; }
  std::string operator()(const React& react) const { return react.emoji; }
  std::string operator()(const EditText& edit) const { return edit.text; }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

const std::string* about_message(const Sendable& content) {
  return std::visit(
      [](const auto& kind) -> const std::string* {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, Forward>) return nullptr;
        else if constexpr (requires { kind.message; }) return &kind.message;
        else return nullptr;
      },
      content);
}

std::string shown_text(const Sendable& content) { return std::visit(ShownText(), content); }

Refusal no_session(const std::string& name) {
  return Refusal(protocol::Errc::not_found, Subject::session, "there is no session '" + name + "'");
}

void answer_as_removed(Command command, const std::string& session) {
  const auto answer = [&]<class Operation>(Asked<Operation>& asked) {
    std::move(asked.reply)(when_removed<Operation>(session));
  };
  std::visit(answer, command.any());
}

}  // namespace wharf::sessions
