--- The ckit daemon in Neovim. See |ckit.txt|.
local M = {}

--- Change the options; calling this is not needed to use the defaults.
---@param options? ckit.Options
function M.setup(options)
  require('ckit.config').set(options or {})
end

--- A short text for the status line: what the daemon does.
---@return string
function M.status()
  local client = package.loaded['ckit.client']
  return client and client.status() or ''
end

return M
