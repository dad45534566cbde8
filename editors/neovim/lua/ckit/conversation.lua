--- A conversation with the assistant: its session, the turn that runs, and what waits to be said.
local client = require('ckit.client')
local Drawing = require('ckit.drawing')
local transcript = require('ckit.transcript')

---@class ckit.Message
---@field text string
---@field attachments ckit.Attachment[]

---@class ckit.Conversation
---@field root string
---@field session? table the `Session` of the protocol; nothing before something is said
---@field model? string chosen for the next turn
---@field mode? string chosen for the next turn
---@field answered? string the model of the last turn
---@field interrupted? string a turn that can be gone on with
---@field private drawing ckit.Drawing
---@field private changed fun() shows another title, model or state
---@field private waiting ckit.Message[]
---@field private creating boolean
---@field private running? ckit.Request
---@field private turn? string the turn that runs, as soon as it has begun
local Conversation = {}
Conversation.__index = Conversation

---@param root string
---@param write fun(text: string)
---@param changed fun()
---@return ckit.Conversation
function Conversation.new(root, write, changed)
  local self = { root = root, drawing = Drawing.new(write), changed = changed, waiting = {}, creating = false }
  return setmetatable(self, Conversation)
end

---@private
function Conversation:request(method, params, done)
  return client.request(method, params, done, { root = self.root, quiet = true })
end

--- Whether a turn runs, or is about to.
---@return boolean
function Conversation:is_busy()
  return self.running ~= nil or self.turn ~= nil or self.creating
end

--- Say something: now, while a turn runs to it, or as soon as there is a session.
---@param text string
---@param attachments? ckit.Attachment[]
function Conversation:say(text, attachments)
  attachments = attachments or {}
  local message = { text = text, attachments = attachments }
  if not self.turn or not self.running or #attachments > 0 then
    table.insert(self.waiting, message)
    self:go_on()
    return
  end
  self:request('ckit/turn/steer', { sessionId = self.session.id, text = text }, function(_, problem)
    if problem and problem.code == 'conflict' then
      -- It ended meanwhile, so this begins the next one.
      table.insert(self.waiting, message)
      self:go_on()
    elseif problem then
      self.drawing:fail(problem)
    end
  end)
end

--- Say the next message that waits, if it can be said.
---@private
function Conversation:go_on()
  if self:is_busy() or #self.waiting == 0 then
    return
  elseif not self.session then
    self.creating = true
    self:request('ckit/session/create', { model = self.model, mode = self.mode }, function(result, problem)
      self.creating = false
      if result then
        self.session = result.session
        self:go_on()
      else
        self.waiting = {}
        self.drawing:fail(problem)
      end
      self.changed()
    end)
    return
  end
  local message = table.remove(self.waiting, 1)
  self:start({ text = message.text, attachments = message.attachments })
end

---@private
---@param params table
function Conversation:start(params)
  params = vim.tbl_extend('error', params, { sessionId = self.session.id, model = self.model, mode = self.mode })
  self.interrupted = nil
  self.drawing:begin()
  self.running = self:request('ckit/turn/start', params, function(result, problem)
    self.running = nil
    if result then
      self:ended(result.turn)
    elseif problem.code == 'cancelled' then
      -- A turn that has begun says when it has really ended.
      self.drawing.write('\n_cancelled_\n')
    else
      self.interrupted = self.turn
      self.turn, self.waiting = nil, {}
      self.drawing:fail(problem)
    end
    self.changed()
    self:go_on()
  end)
  self.changed()
end

---@private
---@param turn table
function Conversation:ended(turn)
  self.turn, self.answered = nil, turn.model
  self.drawing:finish(turn)
  self:request('ckit/session/get', { id = self.session.id, limit = 1 }, function(result)
    if result and self.session and self.session.id == result.session.id then
      self.session = result.session
      self.changed()
    end
  end)
end

--- End the turn that runs; what it said stays.
function Conversation:cancel()
  self.waiting = {}
  if self.running then
    self.running.cancel()
  end
end

--- The daemon is gone: nobody will say any more how a turn has ended that was cancelled.
function Conversation:lost()
  if self.turn and not self.running then
    self.interrupted, self.turn = self.turn, nil
    self.changed()
    self:go_on()
  end
end

--- Go on with the turn that was interrupted.
---@return boolean whether there is one
function Conversation:resume()
  if not self.interrupted or self:is_busy() then
    return false
  end
  self:start({ resume = self.interrupted })
  return true
end

--- Take a session up where it was left.
---@param id string
---@param done fun()
function Conversation:take_up(id, done)
  client.request('ckit/session/get', { id = id, limit = 10000 }, function(result)
    if not result then
      return
    end
    self.session, self.model, self.mode = result.session, nil, nil
    self.drawing.write(transcript.whole(result.turns, result.items))
    local newest = result.turns[#result.turns]
    self.interrupted = newest and newest.status == 'interrupted' and newest.id or nil
    self.changed()
    done()
  end, { root = self.root })
end

--- Hear what happens in a turn.
---@param event table
function Conversation:hear(event)
  if not self.session or event.sessionId ~= self.session.id then
    return
  end
  if event.type == 'turnStarted' then
    self.turn = event.turn.id
  elseif event.type == 'turnCompleted' then
    -- The answer to the request says the same, unless it was cancelled: then nobody gets it.
    if not self.running then
      self:ended(event.turn)
      self.changed()
      self:go_on()
    end
  else
    self.drawing:hear(event)
    local item = event.item
    if event.type == 'itemCompleted' and item.kind == 'toolCall' and item.class ~= 'read' then
      -- Buffers have to follow their files, or the next change is refused.
      vim.cmd.checktime()
    end
  end
end

return Conversation
