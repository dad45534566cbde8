--- Shows what would be written or run, and asks whether it may.
local client = require('ckit.client')

local M = {}

---@class ckit.Decision
---@field decision 'allowOnce'|'allowForSession'|'deny'
---@field note? string

---@class ckit.ApprovalChoice: ckit.Choice
---@field decision? 'allowOnce'|'allowForSession'|'deny'
---@field more? 'note'|'arguments' what else is asked

---@type ckit.ApprovalChoice[]
local CHOICES = {
  { label = 'Allow once', decision = 'allowOnce' },
  { label = 'Allow for this session', decision = 'allowForSession' },
  { label = 'Deny', decision = 'deny' },
  { label = 'Deny with a reason', decision = 'deny', more = 'note' },
  { label = 'Edit the arguments', more = 'arguments' },
}

---@class ckit.OpenApproval
---@field root string
---@field close fun()

---@type table<string, ckit.OpenApproval> by the id of the approval
local open = {}

---@param approval table
---@return string text
---@return string filetype
local function shown(approval)
  if approval.command then
    return '$ ' .. table.concat(vim.tbl_map(vim.fn.shellescape, approval.command), ' '), 'sh'
  end
  if approval.diff and approval.diff ~= '' then
    return approval.diff, 'diff'
  end
  return require('ckit.json').pretty(approval.arguments or {}), 'json'
end

--- Milliseconds until a time of the daemon.
---@param time string ISO 8601, UTC
---@return integer
local function milliseconds_until(time)
  local year, month, day, hour, min, sec, fraction = time:match('(%d+)%-(%d+)%-(%d+)T(%d+):(%d+):(%d+)(%.?%d*)')
  local then_ = os.time({ year = year, month = month, day = day, hour = hour, min = min, sec = sec, isdst = false })
  local now, microseconds = vim.uv.gettimeofday()
  local utc = os.date('!*t', now) --[[@as osdateparam]]
  utc.isdst = false
  local seconds = then_ + (tonumber('0' .. fraction) or 0) - os.time(utc) - microseconds / 1e6
  return math.max(0, math.ceil(seconds * 1000))
end

--- Edit the arguments in a buffer; writing it allows the tool to run with them.
---@param approval table
---@param root string
---@param done fun(decision?: ckit.Decision) nothing: it was closed without writing
---@return { close: fun() }
local function edit(approval, root, done)
  local buffer = vim.api.nvim_create_buf(false, true)
  local function close()
    if vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end
  vim.b[buffer].ckit_root = root
  vim.api.nvim_buf_set_name(buffer, 'ckit://arguments/' .. approval.id)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(require('ckit.json').pretty(approval.arguments), '\n'))
  require('ckit.window').open(buffer, approval.title .. ' · :w allows it with these arguments')
  vim.bo[buffer].buftype = 'acwrite'
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].filetype = 'json'
  vim.bo[buffer].modified = false
  -- A window of a text that was changed and not written would not close.
  vim.keymap.set('n', 'q', close, { buffer = buffer, desc = 'Go back without writing' })
  local allowed = false
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buffer,
    callback = function()
      local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
      local fine, arguments = pcall(vim.json.decode, text)
      if not fine then
        client.notify('this is no JSON: ' .. tostring(arguments), vim.log.levels.ERROR)
        return
      end
      local answer = { id = approval.id, decision = 'allowOnce', arguments = arguments }
      -- Said by a request, since arguments that don't fit are then refused, and can be mended.
      client.request('ckit/approval/resolve', answer, function(result)
        if result then
          allowed = true
          vim.schedule(close)
        end
      end, { root = root })
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      vim.schedule(function()
        done(allowed and { decision = 'allowOnce' } or nil)
      end)
    end,
  })
  return { close = close }
end

--- Ask a person; runs in the coroutine of a request and waits in it.
---@param approval table
---@param root string the repository that it is about
---@return ckit.Decision
function M.ask(approval, root)
  local thread = assert(coroutine.running(), 'approvals are asked in a coroutine')
  local timer = assert(vim.uv.new_timer())
  local over = false
  ---@type { close: fun() }
  local now
  local function finish(decision)
    if not over then
      over = true
      timer:close()
      open[approval.id] = nil
      coroutine.resume(thread, decision)
    end
  end
  local function question()
    local text, filetype = shown(approval)
    now = require('ckit.question').ask({
      title = approval.title,
      text = text,
      filetype = filetype,
      choices = CHOICES,
      kind = 'ckit.approval',
      root = root,
    }, function(choice)
      if over then
        return
      elseif not choice then
        -- No answer is a no.
        finish({ decision = 'deny' })
      elseif choice.more == 'arguments' then
        now = edit(approval, root, function(decision)
          if decision then
            finish(decision)
          elseif not over then
            question()
          end
        end)
      elseif choice.more == 'note' then
        vim.ui.input({ prompt = 'Why not? ' }, function(note)
          finish({ decision = 'deny', note = note ~= '' and note or nil })
        end)
      else
        finish({ decision = choice.decision })
      end
    end)
  end
  local function close()
    -- Before the window goes, since that would be an answer.
    finish({ decision = 'deny' })
    now.close()
  end
  open[approval.id] = { root = root, close = close }
  question()
  local function wait()
    timer:start(milliseconds_until(approval.expiresAt), 0, vim.schedule_wrap(function()
      if over then
        return
      elseif milliseconds_until(approval.expiresAt) > 0 then
        -- A timer may be early, since it counts from when Neovim last looked at the clock; an answer then is a no.
        wait()
      else
        close()
        client.notify('too late to answer: ' .. approval.title, vim.log.levels.WARN)
      end
    end))
  end
  wait()
  return coroutine.yield()
end

---@param root string
---@return string[] ids of the questions about it
local function about(root)
  return vim.tbl_filter(function(id)
    return open[id].root == root
  end, vim.tbl_keys(open))
end

--- Close all questions about a repository: the daemon that asked them is gone, and an answer would get lost.
---@param root string
function M.lost(root)
  for _, id in ipairs(about(root)) do
    open[id].close()
  end
end

--- Close the questions about a repository that its daemon no longer asks.
---@param root string
function M.withdraw(root)
  local asked = about(root)
  if #asked == 0 then
    return
  end
  client.request('ckit/approval/list', { state = 'pending' }, function(result)
    if not result then
      return
    end
    local pending = {}
    for _, approval in ipairs(result.approvals) do
      pending[approval.id] = true
    end
    for _, id in ipairs(asked) do
      if not pending[id] and open[id] then
        open[id].close()
      end
    end
  end, { quiet = true, root = root })
end

return M
