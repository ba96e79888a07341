#pragma once

#include "src/api/exchange.h"

// The handlers, one file per resource. Each is a route of router.cpp; api.md says what it does.
namespace bobbin::api {

// chat_stream.cpp
Task<Result<Answer>> post_chat_stream(Services& services, Exchange& exchange);
Task<Result<Answer>> get_chat_stream(Services& services, Exchange& exchange);
Task<Result<Answer>> post_chat_stop(Services& services, Exchange& exchange);
// events.cpp
Task<Result<Answer>> get_events(Services& services, Exchange& exchange);
// history.cpp
Task<Result<Answer>> get_history(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_history(Services& services, Exchange& exchange);
// sessions.cpp
Task<Result<Answer>> get_sessions(Services& services, Exchange& exchange);
// models.cpp
Task<Result<Answer>> get_models(Services& services, Exchange& exchange);
// settings.cpp
Task<Result<Answer>> get_settings(Services& services, Exchange& exchange);
Task<Result<Answer>> patch_settings(Services& services, Exchange& exchange);
// queue.cpp
Task<Result<Answer>> get_queue(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_queued(Services& services, Exchange& exchange);
// accounts.cpp
Task<Result<Answer>> post_register(Services& services, Exchange& exchange);
Task<Result<Answer>> post_login(Services& services, Exchange& exchange);
Task<Result<Answer>> post_refresh(Services& services, Exchange& exchange);
Task<Result<Answer>> post_logout(Services& services, Exchange& exchange);
Task<Result<Answer>> get_me(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_me(Services& services, Exchange& exchange);
Task<Result<Answer>> post_password(Services& services, Exchange& exchange);
// An account with its chats, keys, logins and settings. `epoch`: of whoever was judged by what the account was then
// (storage/account_commands.h). Errors: those of Accounts::change.
Task<Result<void>> delete_account(Services& services, std::string account, std::optional<int64_t> epoch);
// api_keys.cpp
Task<Result<Answer>> post_api_key(Services& services, Exchange& exchange);
Task<Result<Answer>> get_api_keys(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_api_key(Services& services, Exchange& exchange);
// admin.cpp
Task<Result<Answer>> get_admin_accounts(Services& services, Exchange& exchange);
Task<Result<Answer>> patch_admin_account(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_admin_account(Services& services, Exchange& exchange);
Task<Result<Answer>> post_invitation(Services& services, Exchange& exchange);
Task<Result<Answer>> get_invitations(Services& services, Exchange& exchange);
Task<Result<Answer>> delete_invitation(Services& services, Exchange& exchange);
// login.cpp
Task<Result<Answer>> post_login_link(Services& services, Exchange& exchange);
// operations.cpp
Task<Result<Answer>> get_health(Services& services, Exchange& exchange);
Task<Result<Answer>> get_ready(Services& services, Exchange& exchange);
Task<Result<Answer>> get_metrics(Services& services, Exchange& exchange);
// page.cpp
Task<Result<Answer>> get_asset(Services& services, Exchange& exchange);

}  // namespace bobbin::api
