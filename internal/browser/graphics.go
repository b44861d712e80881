package browser

// graphicsCard makes software's WebGL pass for a graphics card, and removes it when lose() is called.
const graphicsCard = `{
	const context = HTMLCanvasElement.prototype.getContext;
	HTMLCanvasElement.prototype.getContext = function (kind, options) {
		return context.call(this, kind, { ...options, failIfMajorPerformanceCaveat: false });
	};
	const get = WebGL2RenderingContext.prototype.getParameter;
	WebGL2RenderingContext.prototype.getParameter = function (name) {
		const value = get.call(this, name);
		return /swiftshader/i.test(value) ? "a card" : value;
	};
	window.lose = () => document.querySelector(".xterm-screen canvas:not(.xterm-link-layer)")
		.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext();
}`

// GraphicsCard gives the tab a graphics card from the next load on. lose() in the page removes it.
func (p *Page) GraphicsCard() {
	p.t.Helper()
	p.BeforeLoad(graphicsCard)
}
